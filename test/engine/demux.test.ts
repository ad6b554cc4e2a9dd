import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { FrameSplitter, demultiplex } from "../../src/engine/docker/demux.ts";
import { LineSplitter, longestLine } from "../../src/engine/docker/lines.ts";

function frame(type: number, payload: Buffer | string): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

const joined = (chunks: readonly Buffer[]) => {
  const splitter = new FrameSplitter();
  const texts: Record<string, string> = {};
  for (const chunk of chunks)
    for (const { stream, payload } of splitter.push(chunk))
      texts[stream] = (texts[stream] ?? "") + payload.toString();
  return texts;
};

describe("a multiplexed stream", () => {
  test("of 100,000 one-byte frames in one chunk is split without recursion", () => {
    const chunk = Buffer.concat(Array.from({ length: 100_000 }, () => frame(1, "x")));

    expect(joined([chunk])["stdout"]).toHaveLength(100_000);
  });

  test("is split the same however it is cut", () => {
    const whole = Buffer.concat([
      frame(1, "out"),
      frame(2, "err"),
      frame(1, ""),
      frame(3, "broken"),
      frame(1, "more"),
    ]);

    for (let size = 1; size <= whole.length; size += 1) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      expect(joined(chunks)).toEqual({ stdout: "outmore", stderr: "err", system: "broken" });
    }
  });

  test("of one 32 MB frame in small chunks takes time in proportion to its length", () => {
    const whole = frame(1, Buffer.alloc(32 * 1024 ** 2));
    const splitter = new FrameSplitter();
    const started = performance.now();
    let bytes = 0;
    for (let at = 0; at < whole.length; at += 16_384)
      for (const { payload } of splitter.push(whole.subarray(at, at + 16_384)))
        bytes += payload.length;

    expect(bytes).toBe(32 * 1024 ** 2);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test("becomes two streams", async () => {
    const source = Readable.from([Buffer.concat([frame(1, "a"), frame(2, "b"), frame(1, "c")])]);

    const { stdout, stderr } = demultiplex(source);

    expect(await Promise.all([text(stdout), text(stderr)])).toEqual(["ac", "b"]);
  });

  test("passes on that it broke", async () => {
    const source = new Readable({ read: () => undefined });
    const { stdout, stderr } = demultiplex(source);
    stderr.on("error", () => undefined);
    source.destroy(new Error("cut"));

    await expect(text(stdout)).rejects.toThrow("cut");
  });
});

describe("lines", () => {
  test("keep characters whole that were cut between chunks", () => {
    const splitter = new LineSplitter();
    const lines = [...Buffer.from("größe 😀\r\nrest")].flatMap((byte) =>
      splitter.push(Buffer.from([byte])),
    );

    expect([...lines, ...splitter.end()]).toEqual(["größe 😀", "rest"]);
  });

  test("are cut when they never end", () => {
    const splitter = new LineSplitter();

    const lines = splitter.push(Buffer.alloc(longestLine * 2 + 1, "x"));

    expect(lines.map((line) => line.length)).toEqual([longestLine, longestLine]);
    expect(splitter.end()).toEqual(["x"]);
  });
});
