import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BrokenAnswer } from "../../../src/gateway/messages/ending.ts";
import { EventTranslator } from "../../../src/gateway/messages/event-translator.ts";
import { readEvents, readMessage } from "../../support/read-message.ts";

const asked = { id: "msg_1", model: "m", thinking: true, stopSequences: ["END"] };
const data = (document: unknown, lineEnd = "\n") =>
  `data: ${JSON.stringify(document)}${lineEnd}${lineEnd}`;
const chunk = (delta: object, finish: string | null = null, rest: object = {}) => ({
  id: "c",
  object: "chat.completion.chunk",
  model: "upstream-model",
  choices: [{ index: 0, delta, finish_reason: finish, ...rest }],
});
const call = (index: number, input: string, begun: object = {}) =>
  chunk({ tool_calls: [{ index, ...begun, function: { arguments: input, ...begun } }] });
const usage = {
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 6 } },
};
const done = "data: [DONE]\n\n";

function translate(stream: string | Buffer, cuts: readonly number[] = [], changes = {}): string {
  const { told, broken } = attempt(stream, cuts, changes);
  if (broken !== undefined) throw new BrokenAnswer(broken);
  return told;
}

/** Everything that a client is told of a stream, and why it is told no more. */
function attempt(stream: string | Buffer, cuts: readonly number[] = [], changes = {}) {
  const bytes = Buffer.from(stream);
  const translator = new EventTranslator({ ...asked, ...changes });
  const at = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  let told = "";
  for (let index = 1; index < at.length; index += 1) {
    told += translator.push(bytes.subarray(at[index - 1], at[index]));
  }
  told += translator.end();
  return { told, broken: translator.broken };
}

const rich = [
  ": a comment",
  "",
  `${data(chunk({ role: "assistant", content: "" }))}${data(chunk({ reasoning_content: "hm " }), "\r\n")}`,
  data(chunk({ reasoning: "ja" })),
  data(chunk({ content: "Grüß " }), "\r"),
  data(chunk({ content: "Gott 🙂" })),
  data(call(0, "", { id: "call_a", name: "look" })),
  data(call(0, '{"city":')),
  data(call(1, '{"n":', { id: "call_b", name: "count" })),
  data(call(0, '"Köln"}')),
  data(call(1, "1}")),
  data(chunk({}, "tool_calls")),
  data(usage),
  done,
].join("\n");

describe("the stream of a chat completion becomes that of a message:", () => {
  test("thoughts, text and calls are blocks that follow one another, usage and reason come last", () => {
    const text = translate(rich);
    expect(readMessage(text)).toEqual({
      content: [
        { type: "thinking", thinking: "hm ja", signature: "" },
        { type: "text", text: "Grüß Gott 🙂" },
        {
          type: "tool_use",
          id: "call_a",
          name: "look",
          partial_json: '{"city":"Köln"}',
        },
        { type: "tool_use", id: "call_b", name: "count", partial_json: '{"n":1}' },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: {
        input_tokens: 4,
        output_tokens: 4,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 6,
      },
    });
    expect(readEvents(text)[1]).toMatchObject({
      type: "message_start",
      message: { model: "upstream-model" },
    });
  });

  test("any splitting of the bytes gives the same events", () => {
    const whole = translate(rich);
    const length = Buffer.byteLength(rich);
    for (let cut = 0; cut <= length; cut += 1) expect(translate(rich, [cut])).toBe(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(length), { maxLength: 60 }), (cuts) => {
        expect(translate(rich, cuts)).toBe(whole);
      }),
      { numRuns: 200 },
    );
  });

  test("any text arrives as it was, however it was cut into deltas", () => {
    const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 12 }), { maxLength: 8 });
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 8 }), (pieces, cuts) => {
        const stream = pieces.map((content) => data(chunk({ content }))).join("");
        const told = readMessage(translate(stream + data(chunk({}, "stop")) + done, cuts));
        const text = pieces.join("");
        expect(told.content).toEqual(text === "" ? [] : [{ type: "text", text }]);
        expect(told).toMatchObject({ stop_reason: "end_turn" });
      }),
      { numRuns: 200 },
    );
  });

  test("calls whose pieces are mixed in any order arrive whole", () => {
    const inputs = fc.array(fc.jsonValue(), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(inputs, fc.array(fc.nat(), { maxLength: 30 }), (values, picks) => {
        const left = values.map((value) => Array.from(JSON.stringify({ value })));
        const begun = values.map((_, index) =>
          data(call(index, "", { id: `c${index}`, name: `f${index}` })),
        );
        const mixed = [...picks, ...left.flat().map((_, index) => index)].map((pick) => {
          const index = pick % values.length;
          const piece = left[index]?.splice(0, 3).join("") ?? "";
          return piece === "" ? "" : data(call(index, piece));
        });
        const rest = left.map((piece, index) => data(call(index, piece.join(""))));
        const stream = [...begun, ...mixed, ...rest, data(chunk({}, "tool_calls")), done].join("");
        const { content } = readMessage(translate(stream));
        const told = content.map((block) => JSON.parse(block["partial_json"] ?? ""));
        expect(told).toEqual(values.map((value) => JSON.parse(JSON.stringify({ value }))));
      }),
      { numRuns: 100 },
    );
  });

  test("calls without a place, without an id, or all in the same place are told apart", () => {
    const stream = [
      chunk({ tool_calls: [{ id: "a", function: { name: "one", arguments: "{}" } }] }),
      chunk({ tool_calls: [{ id: "b", function: { name: "two" } }] }),
      chunk({ tool_calls: [{ function: { arguments: "{}" } }] }),
      chunk({ tool_calls: [{ index: 0, id: "c", function: { name: "three", arguments: "{}" } }] }),
      chunk({
        tool_calls: [{ index: 0, id: "d", function: { name: "four", arguments: { x: 1 } } }],
      }),
      chunk({ tool_calls: [{ index: 9, function: { name: "five", arguments: "" } }] }),
      chunk({}, "stop"),
    ];
    const { content, ...end } = readMessage(
      translate(stream.map((one) => data(one)).join("") + done),
    );
    const told = content.map(({ id, name, partial_json: json }) => [id, name, json]);
    expect(told).toEqual([
      ["a", "one", "{}"],
      ["b", "two", "{}"],
      ["c", "three", "{}"],
      ["d", "four", '{"x":1}'],
      ["msg_1_4", "five", undefined],
    ]);
    expect(end).toMatchObject({ stop_reason: "tool_use" });
  });

  test.each([
    ["stop", {}, "end_turn", null],
    ["stop", { stop_reason: "END" }, "stop_sequence", "END"],
    ["stop", { stop_reason: 128_001 }, "end_turn", null],
    ["length", {}, "max_tokens", null],
    ["content_filter", {}, "refusal", null],
  ])("%s %j means %s", (finish, rest, reason, sequence) => {
    const told = readMessage(translate(data(chunk({ content: "x" }, finish, rest)) + done));
    expect(told).toMatchObject({ stop_reason: reason, stop_sequence: sequence });
  });

  test("thoughts that nobody asked for are left out, with a ping now and then", () => {
    const thoughts = Array.from({ length: 120 }, () => data(chunk({ reasoning_content: "hm" })));
    const stream = thoughts.join("") + data(chunk({ content: "x" }, "stop")) + done;
    const text = translate(stream, [], { thinking: false });
    expect(readMessage(text).content).toEqual([{ type: "text", text: "x" }]);
    expect(readEvents(text).filter(({ type }) => type === "ping")).toHaveLength(3);
  });

  test("a server's comments show that it lives", () => {
    expect(new EventTranslator(asked).push(Buffer.from(": waiting\n\n"))).toMatch(/^event: ping\n/);
  });

  test("an end without [DONE] is an end if a reason was given, and what follows [DONE] is nothing", () => {
    const stream = data(chunk({ content: "x" }, "stop"));
    expect(readMessage(translate(stream))).toMatchObject({ stop_reason: "end_turn" });
    expect(translate(`${stream}${done}data: {broken\n\n`)).toBe(translate(stream));
  });
});

describe("a stream that is broken is never told as a whole message:", () => {
  test("cut at any byte before its end", () => {
    const end = rich.indexOf('"finish_reason":"tool_calls"');
    const bytes = Buffer.from(rich);
    for (let cut = 0; cut < Buffer.byteLength(rich.slice(0, end)); cut += 1) {
      expect(() => translate(bytes.subarray(0, cut))).toThrow(BrokenAnswer);
    }
  });

  test.each([
    ["nothing", ""],
    ["[DONE] and nothing else", done],
    ["[DONE] without a reason", data(chunk({ content: "x" })) + done],
    ["a reason that nobody knows", data(chunk({}, "abort")) + done],
    ["what is not JSON", `data: {"choices":[\n\n${done}`],
    ["what is no object", `data: 7\n\n${done}`],
    [
      "an error",
      `${data({ error: { message: "out of memory" } })}${data(chunk({}, "stop"))}${done}`,
    ],
    ["an event named error", `event: error\ndata: {"message":"out of memory"}\n\n${done}`],
    [
      "a call without a name",
      data(call(0, "{}", { id: "a" })) + data(chunk({}, "tool_calls")) + done,
    ],
    [
      "a call that goes on after it ended",
      data(call(0, "{", { id: "a", name: "f" })) +
        data(chunk({ content: "x" })) +
        data(call(0, "}")),
    ],
  ])("%s", (_, stream) => {
    expect(() => translate(stream)).toThrow(BrokenAnswer);
  });

  test("an upstream's own words are told, unless they tell an address", () => {
    expect(() => translate(data({ error: { message: "out of memory" } }))).toThrow(/out of memory/);
    expect(() => translate(data({ error: "see http://internal:1/x" }))).toThrow(/answer$/);
  });

  test("an event, or calls, without an end, within bounds", () => {
    const endless = new EventTranslator(asked);
    const piece = Buffer.from("data: x".repeat(10_000));
    for (let turn = 0; turn < 100; turn += 1) expect(endless.push(piece)).toBe("");
    expect(endless.broken).toBe("sent an event without an end");
    const calls = new EventTranslator(asked);
    const more = Buffer.from(data(call(1, "x".repeat(100_000))));
    calls.push(Buffer.from(data(call(0, "{}", { id: "a", name: "f" }))));
    for (let turn = 0; turn < 100; turn += 1) expect(calls.push(more)).toBe("");
    expect(calls.broken).toBe("sent tool calls without an end");
  });

  test("tells what came before it, however it was split", () => {
    const stream = `${data(chunk({ content: "half" }))}: alive\n\ndata: {"choi\r\n\r\n${done}`;
    const whole = attempt(stream);
    expect(whole.told).toContain('"text":"half"');
    expect(whole.broken).toBe("sent an event that is not JSON");
    const length = Buffer.byteLength(stream);
    for (let cut = 0; cut <= length; cut += 1) expect(attempt(stream, [cut])).toEqual(whole);
  });
});
