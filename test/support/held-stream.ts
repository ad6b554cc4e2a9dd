/**
 * A chat service for the inside of a container, whose streams go on until `POST /finish`, which answers with the number
 * of words that each has sent. So a test and not the clock decides how long a stream lasts. HELD_READY=never: 503.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

const version = process.env["SCENARIO_VERSION"];
const finishing = new AbortController();
const sent: number[] = [];

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const answers: Readonly<Record<string, Answer>> = {
  "/readyz": (_, response) =>
    send(response, process.env["HELD_READY"] === "never" ? 503 : 200, { status: "loading" }),
  "/v1/models": (_, response) => send(response, 200, { data: [{ id: "scenario" }] }),
  "/v1/chat/completions": (request, response) => void answerChat(request, response),
  "/finish": (_, response) => {
    finishing.abort();
    send(response, 200, sent);
  },
};

createServer((request, response) => {
  const answer = answers[request.url ?? ""];
  if (answer) answer(request, response);
  else send(response, 200, { version });
}).listen(9000);

process.on("SIGTERM", () => process.exit(0));

async function answerChat(body: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of body) text += chunk.toString();
  const message = { role: "assistant", content: `scenario ${version}` };
  if (text.includes('"stream":true')) stream(response);
  else send(response, 200, { choices: [{ index: 0, message, finish_reason: "stop" }] });
}

function stream(response: ServerResponse): void {
  const index = sent.push(0) - 1;
  response.writeHead(200, { "content-type": "text/event-stream" });
  const say = (content: string) => {
    sendEvent(response, { content }, null);
    sent[index] = (sent[index] ?? 0) + 1;
  };
  say(`scenario ${version}`);
  const timer = setInterval(() => say(` word${sent[index]}`), 20);
  response.on("close", () => clearInterval(timer));
  finishing.signal.addEventListener("abort", () => {
    clearInterval(timer);
    sendEvent(response, {}, "stop");
    response.end("data: [DONE]\n\n");
  });
}

function sendEvent(response: ServerResponse, delta: object, reason: string | null): void {
  const choices = [{ index: 0, delta, finish_reason: reason }];
  response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", choices })}\n\n`);
}

function send(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(document));
}
