import { expect, test } from "vitest";
import { verify } from "./rows.ts";

const chat = "POST /v1/chat/completions";

const event = (document: unknown) => `data: ${JSON.stringify(document)}\n\n`;
const piece = (content: string, finish: string | null = null) => ({
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta: { content }, finish_reason: finish }],
});
const usage = { object: "chat.completion.chunk", choices: [], usage: { completion_tokens: 1 } };
const done = "data: [DONE]\n\n";

test.each<readonly [string, string, string, readonly string[]]>([
  [
    "is whole",
    "text/event-stream",
    event(piece("a")) + event(piece("", "stop")) + event(usage) + done,
    [],
  ],
  [
    "ends without [DONE]",
    "text/event-stream",
    event(piece("a", "stop")) + event(usage),
    ["[DONE]"],
  ],
  [
    "never says why it ends",
    "text/event-stream",
    event(piece("a")) + event(usage) + done,
    ["finish_reason"],
  ],
  ["tells no usage", "text/event-stream", event(piece("a", "stop")) + done, ["usage"]],
  [
    "has chunks of another kind",
    "text/event-stream",
    event({ ...piece("a", "stop"), object: "chunk" }) + event(usage) + done,
    ["chunks"],
  ],
  [
    "is Ollama's own lines",
    "application/x-ndjson",
    '{"message":{}}\n',
    ["events", "chunks", "finish_reason", "[DONE]", "usage", "as it comes"],
  ],
])("a stream that %s", async (_, type, body, failing) => {
  const stream = { headers: { "content-type": type }, body };
  const findings = await verify({
    [chat]: async (asked) => {
      if (asked.body.includes('"stream":true')) return stream;
      const answer = await asked.honest();
      return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
    },
  });
  const broken = findings.filter(
    ({ group, outcome }) => group === "streaming" && outcome === "fail",
  );
  expect(broken.map(({ check }) => check)).toEqual(failing);
});
