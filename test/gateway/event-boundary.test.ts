import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventBoundary } from "../../src/gateway/request/event-boundary.ts";

const lineEnds = ["\n", "\r\n", "\r"] as const;

const streams = fc
  .tuple(
    fc.constantFrom(...lineEnds),
    fc.array(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 3 })),
    fc.string(),
  )
  .map(([end, events, rest]) => {
    const lines = (event: readonly string[]) =>
      event.map((text) => `data: ${text.replaceAll(/[\r\n]/g, "")}${end}`).join("") + end;
    return events.map(lines).join("") + rest;
  });

describe("EventBoundary", () => {
  test("however a stream is cut into chunks, its bytes come out as they went in", () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat()), (stream, cuts) => {
        const { passed, rest } = passChunks(cutAt(Buffer.from(stream), cuts));
        expect(Buffer.concat([...passed, rest]).toString()).toBe(stream);
      }),
      { numRuns: 1_000 },
    );
  });

  test("what has come out so far always ends between two events", () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat()), (stream, cuts) => {
        const { passed } = passChunks(cutAt(Buffer.from(stream), cuts));
        for (const piece of passed) expect(piece.toString()).toMatch(/(?:\n\r?\n|\r\r?\n?|^\n)$/);
      }),
    );
  });

  test("chunks that end between events pass one to one, without being copied", () => {
    const boundary = new EventBoundary();
    const chunk = Buffer.from("data: one\n\ndata: two\n\n");
    expect(boundary.push(chunk)).toBe(chunk);
    expect(boundary.rest()).toBeUndefined();
  });

  test("an event of unusual size does not pile up", () => {
    const boundary = new EventBoundary();
    const passed = Array.from({ length: 64 }, () => boundary.push(Buffer.alloc(16_384, "x")));
    expect(passed.filter((piece) => piece !== undefined).length).toBeGreaterThan(2);
  });
});

function cutAt(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].toSorted(
    (a, b) => a - b,
  );
  const ends = [...places, stream.length];
  return ends
    .map((end, index) => stream.subarray(ends[index - 1] ?? 0, end))
    .filter((one) => one.length > 0);
}

function passChunks(chunks: readonly Buffer[]) {
  const boundary = new EventBoundary();
  const passed = chunks.flatMap((chunk) => boundary.push(chunk) ?? []);
  return { passed, rest: boundary.rest() ?? Buffer.alloc(0) };
}
