import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventBoundary } from "../../src/gateway/request/event-boundary.ts";
import { scanBody } from "../../src/gateway/request/body-scan.ts";
import { splice } from "../../src/gateway/request/splice.ts";
import { UsageTap } from "../../src/gateway/usage/usage-tap.ts";

const decoy = '"usage":{"prompt_tokens":666,"completion_tokens":666},"usage"';

/** Texts that try to be taken for usage, and for the ends of events. */
const contents = fc.array(
  fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("usage", '"usage"', decoy, `{${decoy}:`, '\\"usage":{', "\n\n", "data: [DONE]"),
  ),
  { maxLength: 6 },
);
const counts = fc.record({ prompt: fc.nat(1e6), completion: fc.nat(1e6), cached: fc.nat(100) });
const lineEnds = fc.constantFrom("\n", "\r\n", "\r");
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const ways = fc.record({ contents, counts, lineEnds, cuts, nulls: fc.boolean() });

type Way = typeof ways extends fc.Arbitrary<infer Value> ? Value : never;

/** A chat stream: what its client asked for, and the event that tells usage. */
function chatStream({ contents: words, counts: { prompt, completion, cached }, ...way }: Way) {
  const event = (document: object) => `data: ${JSON.stringify(document)}${way.lineEnds.repeat(2)}`;
  const none = way.nulls ? { usage: null } : {};
  const chunks = words.map((content) =>
    event({ id: "1", choices: [{ index: 0, delta: { content } }], ...none }),
  );
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
  const telling = event({ id: "1", choices: [], usage });
  return { before: chunks.join(""), telling, after: `data: [DONE]${way.lineEnds.repeat(2)}` };
}

function pass(tap: UsageTap, stream: string, at: readonly number[]): string {
  const bytes = Buffer.from(stream);
  const boundary = new EventBoundary();
  const places = [...at.map((cut) => cut % (bytes.length + 1)), bytes.length];
  const out: Buffer[] = [];
  let from = 0;
  for (const to of places.toSorted((a, b) => a - b)) {
    const events = from < to ? boundary.push(bytes.subarray(from, to)) : undefined;
    out.push((events && tap.events(events)) ?? Buffer.alloc(0));
    from = to;
  }
  const rest = boundary.rest();
  out.push((rest && tap.events(rest)) ?? Buffer.alloc(0));
  return Buffer.concat(out).toString();
}

const watching = { hidesUsage: false, textBytes: undefined };
const hiding = { hidesUsage: true, textBytes: undefined };

describe("what a stream cost", () => {
  test("is known however the stream is cut, and the client gets every byte of what it asked for", () => {
    fc.assert(
      fc.property(ways, (way) => {
        const { before, telling, after } = chatStream(way);
        const tap = new UsageTap(watching);
        expect(pass(tap, before + telling + after, way.cuts)).toBe(before + telling + after);
        const { prompt, completion, cached } = way.counts;
        const cost = { input: prompt, output: completion, cached, estimated: false };
        expect(tap.cost()).toEqual(cost);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is kept from a client that did not ask, who gets every other byte", () => {
    fc.assert(
      fc.property(ways, (way) => {
        const { before, telling, after } = chatStream(way);
        const tap = new UsageTap(hiding);
        expect(pass(tap, before + telling + after, way.cuts)).toBe(before + after);
        expect(tap.cost()).toMatchObject({ input: way.counts.prompt, estimated: false });
      }),
      { numRuns: 2_000 },
    );
  });

  test("stands in the last of many events that tell it", () => {
    const events = Array.from({ length: 50 }, (_, index) => {
      const usage = { prompt_tokens: 7, completion_tokens: index };
      return `data: ${JSON.stringify({ choices: [{ delta: {} }], usage })}\n\n`;
    });
    const tap = new UsageTap(hiding);
    expect(pass(tap, events.join(""), [])).toBe(events.join(""));
    expect(tap.cost()).toMatchObject({ input: 7, output: 49 });
  });

  test("is read in the words of Responses and of Anthropic", () => {
    const responses = new UsageTap(watching);
    const response = { usage: { input_tokens: 5, output_tokens: 6, total_tokens: 11 } };
    const completed = JSON.stringify({ type: "response.completed", response });
    pass(responses, `event: response.completed\ndata: ${completed}\n\n`, []);
    expect(responses.cost()).toMatchObject({ input: 5, output: 6 });

    const messages = new UsageTap(watching);
    const usage = { input_tokens: 3, cache_read_input_tokens: 2, output_tokens: 1 };
    const start = JSON.stringify({ type: "message_start", message: { usage } });
    const delta = JSON.stringify({ type: "message_delta", usage: { output_tokens: 9 } });
    pass(messages, `data: ${start}\n\ndata: ${delta}\n\n`, []);
    expect(messages.cost()).toEqual({ input: 5, output: 9, cached: 2, estimated: false });
  });

  test("is found at the end of an event too large to be held in one piece", () => {
    const tap = new UsageTap(watching);
    const output = [{ text: "x".repeat(600_000) }];
    const response = { output, usage: { input_tokens: 5, output_tokens: 6 } };
    const event = `data: ${JSON.stringify({ response })}\n\n`;
    expect(pass(tap, event, [100, 300_000, 500_000])).toBe(event);
    expect(tap.cost()).toMatchObject({ input: 5, output: 6, estimated: false });
  });

  test("is estimated for a text whose upstream told nothing, and unknown for anything else", () => {
    const events = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'.repeat(2);
    const text = new UsageTap({ hidesUsage: false, textBytes: 400 });
    pass(text, events, [events.length / 2]);
    expect(text.cost()).toEqual({ input: 100, output: 2, cached: 0, estimated: true });
    const other = new UsageTap(watching);
    pass(other, events, []);
    expect(other.cost()).toBeUndefined();
  });
});

describe("what a JSON answer cost", () => {
  const usage = { prompt_tokens: 8, total_tokens: 8 };
  const data = Array.from({ length: 20_000 }, (_, index) => index / 7);
  const nested = { choices: [{ usage: { prompt_tokens: 666 } }], text: decoy };

  test.each([
    ["small", { ...nested, usage }],
    ["small, usage first", { usage, ...nested }],
    ["large", { data, ...nested, usage, model: "m" }],
    ["large, usage first", { object: "list", usage, data, ...nested }],
  ])("is found in a %s one at its top level only", (_, document) => {
    const body = Buffer.from(JSON.stringify(document));
    const whole = new UsageTap(watching);
    whole.whole(body);
    expect(whole.cost()).toMatchObject({ input: 8, output: 0 });

    const pieces = new UsageTap(watching);
    for (let at = 0; at < body.length; at += 65_536) pieces.piece(body.subarray(at, at + 65_536));
    expect(pieces.cost()).toMatchObject({ input: 8, output: 0 });
  });

  test("is read from the last line of Ollama's own interface, whole or in pieces", () => {
    const said = { message: { content: decoy }, context: data, done: false };
    const last = { done: true, total_duration: 9, prompt_eval_count: 26, eval_count: 298 };
    const lines = `${JSON.stringify(said)}\n${JSON.stringify({ ...said, ...last, eval_duration: 5 })}\n`;
    const bytes = Buffer.from(lines);
    for (const step of [64, 5_000, bytes.length]) {
      const tap = new UsageTap(watching);
      for (let at = 0; at < bytes.length; at += step) tap.piece(bytes.subarray(at, at + step));
      expect(tap.cost()).toEqual({ input: 26, output: 298, cached: 0, estimated: false });
    }
    const tap = new UsageTap(watching);
    tap.piece(Buffer.from('{"text":"\\"eval_count\\":5}","nested":{"eval_count":6}}'));
    expect(tap.cost()).toBeUndefined();
  });

  test("is unknown when none is told, whatever the answer's texts pretend", () => {
    for (const document of [nested, { data, ...nested }, { data: nested, list: data }]) {
      const body = Buffer.from(JSON.stringify(document));
      const tap = new UsageTap(watching);
      tap.whole(body);
      expect(tap.cost()).toBeUndefined();
    }
  });
});

describe("asking for usage", () => {
  const told = { stream_options: { include_usage: true } };
  const asked = (body: object) => {
    const buffer = Buffer.from(JSON.stringify(body));
    const { usageEdit } = scanBody(buffer);
    return usageEdit && (JSON.parse(splice(buffer, [usageEdit]).toString()) as object);
  };

  test("adds the wish to a stream that says nothing of it, and only there", () => {
    const body = { messages: [{ content: '"stream":true' }], stream: true, model: "m" };
    expect(asked(body)).toEqual({ ...body, ...told });
    expect(asked({ ...body, stream_options: null })).toEqual({ ...body, ...told });
    expect(asked({ ...body, stream_options: {} })).toEqual({ ...body, ...told });
    const obfuscation = { include_obfuscation: false };
    expect(asked({ ...body, stream_options: obfuscation })).toEqual({
      ...body,
      stream_options: { ...obfuscation, include_usage: true },
    });
  });

  test("leaves a body alone that has no stream or says itself what it wants", () => {
    expect(asked({ model: "m" })).toBeUndefined();
    expect(asked({ model: "m", stream: false })).toBeUndefined();
    expect(asked({ stream: true, ...told })).toBeUndefined();
    expect(asked({ stream: true, stream_options: { include_usage: false } })).toBeUndefined();
    expect(asked({ stream: true, stream_options: "odd" })).toBeUndefined();
  });
});
