import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BrokenAnswer } from "../../../src/gateway/messages/ending.ts";
import { EventTranslator } from "../../../src/gateway/messages/event-translator.ts";
import { translateRequest } from "../../../src/gateway/messages/request.ts";
import { retoldAnswer } from "../../../src/gateway/messages/retold-answer.ts";
import { InvalidBody } from "../../../src/gateway/request/invalid-body.ts";
import { readEvents, readMessage } from "../../support/read-message.ts";

const asked = { id: "msg_1", model: "m", thinking: true, stopSequences: [] };
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Values in which the words of a protocol stand at unlikely places. */
function nonsense(words: readonly string[]) {
  const word = fc.constantFrom(...words);
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      fc.oneof(word, fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(word, tie("value"), { maxKeys: 6 }),
    ),
  }));
  return value;
}

const chatWords =
  "choices index delta message role content tool_calls id function name arguments finish_reason stop tool_calls length usage prompt_tokens reasoning error refusal".split(
    " ",
  );
const messageWords =
  "messages role user assistant system content type text tool_use tool_result image document source base64 url data tools name input_schema tool_choice any input thinking".split(
    " ",
  );

/** Mostly what it should be, and now and then anything. */
function nearly<Value>(right: fc.Arbitrary<Value>, words: readonly string[]) {
  return fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: nonsense(words) });
}

const toolCall = fc.record({
  index: nearly(fc.nat(2), chatWords),
  id: nearly(fc.constantFrom("a", "b"), chatWords),
  function: nearly(
    fc.record({
      name: nearly(fc.constantFrom("look", "count"), chatWords),
      arguments: nearly(fc.json({ maxDepth: 1 }), chatWords),
    }),
    chatWords,
  ),
});

const nearlyAnswer = fc
  .record({
    content: nearly(fc.constantFrom("some", "text", "", null), chatWords),
    reasoning: nearly(fc.constantFrom("hm", "", undefined), chatWords),
    tool_calls: nearly(fc.array(toolCall, { maxLength: 3 }), chatWords),
  })
  .chain((part) =>
    nearly(fc.constantFrom(null, "stop", "tool_calls", "length"), chatWords).map((end) => ({
      choices: [{ index: 0, delta: part, message: part, finish_reason: end }],
    })),
  );

const source = { type: "base64", media_type: "image/png", data: "AAAA" };
const userBlock = fc.constantFrom(
  { type: "text", text: "words" },
  { type: "image", source },
  { type: "tool_result", tool_use_id: "a", content: [{ type: "image", source }] },
  { type: "tool_result", tool_use_id: "b", is_error: true, content: "no" },
  { type: "document", source: { type: "text", data: "words" } },
);
const assistantBlock = fc.constantFrom(
  { type: "text", text: "words" },
  { type: "thinking", thinking: "hm" },
  { type: "tool_use", id: "a", name: "look", input: {} },
);
const turn = fc.oneof(
  fc.record({
    role: fc.constant("user"),
    content: nearly(fc.array(nearly(userBlock, messageWords), { maxLength: 3 }), messageWords),
  }),
  fc.record({
    role: fc.constant("assistant"),
    content: nearly(fc.array(nearly(assistantBlock, messageWords), { maxLength: 3 }), messageWords),
  }),
);
const nearlyRequest = fc.record({
  messages: nearly(fc.array(turn, { maxLength: 3 }), messageWords),
  system: nearly(fc.constantFrom("Be brief.", undefined), messageWords),
  tool_choice: nearly(fc.constantFrom({ type: "auto" }, undefined), messageWords),
});

const ended = { choices: [{ index: 0, delta: {}, message: {}, finish_reason: "stop" }] };

describe("nonsense", () => {
  test("in a request is refused or translated, and nothing else happens", () => {
    const request = fc.oneof(nonsense(messageWords), nearlyRequest);
    const outcome = (value: unknown) => {
      try {
        return Array.isArray(translateRequest(bytes(value)).body["messages"]);
      } catch (error) {
        return error instanceof InvalidBody;
      }
    };
    fc.assert(
      fc.property(request, (value) => {
        expect(outcome(value)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("in a whole answer is the service's failure or a message, whole or as events", () => {
    const outcome = (value: unknown, stream: boolean) => {
      try {
        const { body } = retoldAnswer(bytes(value), { ...asked, stream });
        return stream ? readMessage(body) : JSON.parse(body);
      } catch (error) {
        if (error instanceof BrokenAnswer) return "broken";
        throw error;
      }
    };
    const answer = fc.oneof(nonsense(chatWords), nearlyAnswer);
    fc.assert(
      fc.property(answer, fc.boolean(), (value, stream) => {
        expect(outcome(value, stream)).toBeDefined();
      }),
      { numRuns: 1_000 },
    );
  });

  test("in a stream is told up to where it makes sense, in events that stand on their own", () => {
    const event = fc.oneof(nonsense(chatWords), nearlyAnswer).map((value) => {
      return `data: ${JSON.stringify(value)}\n\n`;
    });
    const piece = fc.oneof({ weight: 5, arbitrary: event }, fc.string());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const translator = new EventTranslator(asked);
        const end = `\n\ndata: ${JSON.stringify(ended)}\n\ndata: [DONE]\n\n`;
        const told = translator.push(Buffer.from(pieces.join("") + end)) + translator.end();
        const types = readEvents(told).map(({ type }) => type);
        expect(types.includes("message_stop")).toBe(translator.broken === undefined);
      }),
      { numRuns: 1_000 },
    );
  });
});
