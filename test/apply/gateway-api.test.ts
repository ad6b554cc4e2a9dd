import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createConnection } from "node:net";
import { expect, test } from "vitest";
import { firstChatModel } from "../../src/apply/chat-access.ts";
import { apiModels, ApiError, ApiUnreachableError, askModel } from "../../src/apply/gateway-api.ts";
import { readEvents } from "../../src/apply/sse.ts";
import { makeCertificate } from "../support/certificates.ts";

/** Runs `work` against a server on loopback. */
async function against<Result>(
  listener: RequestListener,
  work: (base: string) => Promise<Result>,
): Promise<Result> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await work(`http://127.0.0.1:${String(port)}/v1`);
  } finally {
    server.close();
  }
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

const question = { model: "m", messages: [{ role: "user", content: "hi" }] } as const;
const chunk = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;

test("events are put together across chunks, even in the middle of a character", async () => {
  const bytes = Buffer.from(
    'data: {"a":"é"}\r\n\r\n: ping\n\ndata: one\ndata: two\n\ndata: [DONE]\n\n',
  );
  async function* pieces() {
    for (const byte of bytes) yield Buffer.from([byte]);
  }
  expect(await collect(readEvents(pieces()))).toEqual(['{"a":"é"}', "one\ntwo", "[DONE]"]);
});

test("an answer comes piece by piece, asked with the key", async () => {
  let seen: unknown;
  const answer = await against(
    (request, response) => {
      seen = [request.method, request.url, request.headers.authorization];
      response.end(`${chunk("Hel")}${chunk("lo")}data: [DONE]\n\n`);
    },
    (base) => collect(askModel({ base, key: "nx_1" }, question)),
  );
  expect(answer.join("")).toBe("Hello");
  expect(seen).toEqual(["POST", "/v1/chat/completions", "Bearer nx_1"]);
});

test("an answer that breaks off without [DONE] is a failure, not an end", async () => {
  const asking = against(
    (_, response) => response.end(chunk("Hel")),
    (base) => collect(askModel({ base, key: "" }, question)),
  );
  await expect(asking).rejects.toThrow("broke off");
});

test("an error event in the stream is told as the gateway tells it", async () => {
  const error = { message: 'The service "llm" broke off.', code: "upstream_broken" };
  const asking = against(
    (_, response) => response.end(`${chunk("Hel")}data: ${JSON.stringify({ error })}\n\n`),
    (base) => collect(askModel({ base, key: "" }, question)),
  );
  await expect(asking).rejects.toMatchObject({ message: error.message, code: "NEXUS_API" });
});

test.each([
  [404, "model_not_found", "nexus models ls"],
  [401, "invalid_api_key", "nexus keys add"],
  [429, "rate_limited", "Wait"],
  [502, "upstream_unavailable", "nexus status"],
])("status %i %s comes with a remedy of ours", async (status, code, remedy) => {
  const asking = against(
    (_, response) =>
      response.writeHead(status).end(JSON.stringify({ error: { message: "no", code } })),
    (base) => apiModels({ base, key: "" }),
  );
  const failure = await asking.catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ApiError);
  expect(failure).toMatchObject({
    message: "no",
    exitCode: 4,
    remedy: expect.stringContaining(remedy),
  });
});

test("nobody at the address is told apart from an answer", async () => {
  const base = await against(
    () => undefined,
    async (address) => address,
  );
  await expect(apiModels({ base, key: "" })).rejects.toBeInstanceOf(ApiUnreachableError);
});

test("the first model is one that chats: an alias `default` first, embeddings never", () => {
  const models = [
    { id: "nomic-embed-text", owned_by: "ollama" },
    { id: "llama3.2:1b", owned_by: "ollama" },
    { id: "whisper", owned_by: "asr" },
  ];
  const services = [
    { id: "ollama", provides: ["chat", "embedding"] },
    { id: "asr", provides: ["asr"] },
  ];
  expect(firstChatModel(models, services)).toBe("llama3.2:1b");
  expect(firstChatModel([...models, { id: "default", owned_by: "alias" }], services)).toBe(
    "default",
  );
  expect(firstChatModel(models, services, "asr")).toBeUndefined();
});

test("where the gateway has a certificate it is asked over TLS, and nobody with another one gets the key", async () => {
  const [own, other] = [makeCertificate(), makeCertificate()];
  const keys: unknown[] = [];
  const { certificate: cert, key } = own;
  const server = createSecureServer({ cert, key }, (request, response) => {
    keys.push(request.headers.authorization);
    response.end('{"data":[{"id":"m","owned_by":"one"}]}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const direct = { base: `https://127.0.0.1:${String(port)}/v1`, key: "nx_1" };
  const tunnelled = {
    ...direct,
    base: "https://127.0.0.1:1/v1",
    connect: async () => createConnection({ port, host: "127.0.0.1" }),
  };
  for (const access of [direct, tunnelled]) {
    const models = await apiModels({ ...access, certificate: own.certificate });
    expect(models).toEqual([{ id: "m", owned_by: "one" }]);
    const astray = apiModels({ ...access, certificate: other.certificate });
    await expect(astray).rejects.toThrow(ApiUnreachableError);
  }
  expect(keys).toEqual(["Bearer nx_1", "Bearer nx_1"]);
  server.close();
});
