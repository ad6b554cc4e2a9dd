/** A scriptable OpenAI-compatible upstream on a real socket: behaves, or breaks in every way that matters to a gateway. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { beginEvents, reply, type Behaviour, type ReceivedRequest } from "./behaviour.ts";
import { mediaBehaviours } from "./media.ts";

export { beginEvents, reply, type Behaviour, type ReceivedRequest } from "./behaviour.ts";

/** A running upstream. */
export type TestUpstream = Readonly<{
  url: string;
  /** Every inference request received so far: reads (models, probes) are not among them. */
  received: ReceivedRequest[];
  /** Answers at these paths from now on. */
  behave: (behaviours: Readonly<Record<string, Behaviour>>) => void;
  models: string[];
  /** What GET /readyz answers; 200 at first. */
  readiness: { status: number; body: string };
  /** Requests under way, and the most there have been at once. */
  load: { now: number; most: number };
  /** How many requests were hung up on, and when the last one was. */
  aborts: { count: number; at: number };
  /** Resolves when that many have been hung up on. */
  untilAborts: (count: number) => Promise<void>;
  /** Resolves when that many inference requests have arrived. */
  untilReceived: (count: number) => Promise<void>;
  /** Connections that are open to it. */
  connections: () => Promise<number>;
  stop: () => Promise<void>;
}>;

/** Starts an upstream that answers every inference endpoint as OpenAI's API does. */
export async function startUpstream(models: readonly string[] = ["echo"]): Promise<TestUpstream> {
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of listeners) listener();
  };
  const behaviours: Record<string, Behaviour> = { ...wellBehaved, ...mediaBehaviours() };
  const state = {
    received: [] as ReceivedRequest[],
    models: [...models],
    readiness: { status: 200, body: '{"status":"ready"}' },
    load: { now: 0, most: 0 },
    aborts: { count: 0, at: 0 },
  };
  const until = async (holds: () => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listener = () => holds() && resolve();
    listeners.add(listener);
    listener();
    await promise;
    listeners.delete(listener);
  };
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "/";
    if (path === "/readyz" && !behaviours[path])
      return reply(response, state.readiness.status, state.readiness.body);
    if (path === "/v1/models" && !behaviours[path]) {
      const data = state.models.map((id) => ({
        id,
        object: "model",
        created: 1,
        owned_by: "test",
      }));
      return reply(response, 200, JSON.stringify({ object: "list", data }));
    }
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    state.load.now += 1;
    state.load.most = Math.max(state.load.most, state.load.now);
    response.once("close", () => {
      state.load.now -= 1;
      if (!response.writableFinished) {
        state.aborts.count += 1;
        state.aborts.at = performance.now();
        abort();
      }
      notify();
    });
    request.on("error", () => {});
    response.on("error", () => {});
    const bytes = await bodyOf(request).catch(() => Buffer.alloc(0));
    const method = request.method ?? "";
    const received = { method, path, headers: request.headers, body: bytes.toString(), bytes };
    const behaviour = behaviourFor(behaviours, method, path);
    if (method !== "GET" || behaviour) state.received.push(received);
    notify();
    if (behaviour) await behaviour(received, response, aborted);
    else reply(response, 404, '{"error":{"message":"not here"}}');
  };
  const server = createServer((request, response) => void receive(request, response));
  const url = await listen(server);
  return {
    url,
    ...state,
    behave: (changes) => Object.assign(behaviours, changes),
    untilAborts: (count) => until(() => state.aborts.count >= count),
    untilReceived: (count) => until(() => state.received.length >= count),
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

/** Starts a server that speaks whatever the script writes, HTTP or not. */
export async function startRawUpstream(
  converse: (socket: Socket) => void,
): Promise<Readonly<{ url: string; stop: () => Promise<void> }>> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    converse(socket);
  });
  const url = await listen(server);
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  };
  return { url, stop };
}

/** A url at which nothing listens. */
export async function deadUrl(): Promise<string> {
  const server = createTcpServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}

/** The chunks of a chat stream that says `words`, `[DONE]` last. */
export function chatEvents(words: readonly string[]): string[] {
  const chunk = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({
      id: "chat-1",
      object: "chat.completion.chunk",
      created: 1,
      model: "echo",
      choices: [{ index: 0, delta, finish_reason: finish }],
    })}\n\n`;
  return [
    chunk({ role: "assistant", content: "" }, null),
    ...words.map((content) => chunk({ content }, null)),
    chunk({}, "stop"),
    "data: [DONE]\n\n",
  ];
}

const wellBehaved: Readonly<Record<string, Behaviour>> = {
  "/v1/chat/completions": ({ body }, response) => {
    const { model, stream, messages } = JSON.parse(body);
    const content = String(messages?.at(-1)?.content ?? "");
    if (stream) {
      beginEvents(response);
      for (const event of chatEvents(content.split(" "))) response.write(event);
      return void response.end();
    }
    const choice = { index: 0, finish_reason: "stop", message: { role: "assistant", content } };
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const answer = { id: "chat-1", object: "chat.completion", created: 1, model, usage };
    return reply(response, 200, JSON.stringify({ ...answer, choices: [choice] }));
  },
  "/v1/completions": ({ body }, response) => {
    const { model, prompt } = JSON.parse(body);
    const choices = [{ index: 0, text: String(prompt), finish_reason: "stop", logprobs: null }];
    const answer = { id: "cmpl-1", object: "text_completion", created: 1, model, choices };
    reply(response, 200, JSON.stringify(answer));
  },
  "/v1/embeddings": ({ body }, response) => {
    const { model, encoding_format: format } = JSON.parse(body);
    const vector = Float32Array.of(0.5, -0.25);
    const embedding =
      format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
    const data = [{ object: "embedding", index: 0, embedding }];
    const usage = { prompt_tokens: 1, total_tokens: 1 };
    reply(response, 200, JSON.stringify({ object: "list", model, data, usage }));
  },
};

/** By the path as it came, without its query, or with the method and any id. */
function behaviourFor(
  behaviours: Readonly<Record<string, Behaviour>>,
  method: string,
  path: string,
): Behaviour | undefined {
  const [bare = ""] = path.split("?");
  const pattern = `${method} ${bare.replace(/^(\/v1\/responses)\/[^/]+/, "$1/{id}")}`;
  return behaviours[path] ?? behaviours[bare] ?? behaviours[pattern];
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
