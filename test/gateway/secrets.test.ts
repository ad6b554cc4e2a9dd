/** Planted secrets, and where they must not turn up: in anything that the gateway's process says or keeps. */
import { execa } from "execa";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificateDigest } from "../../src/gateway/config.ts";
import { endpoints } from "../../src/gateway/api/endpoints.ts";
import { mintKey } from "../../src/gateway/protocol.ts";
import { makeCertificate } from "../support/certificates.ts";
import { upstreamAt } from "../support/gateway.ts";
import { sendRaw } from "../support/raw-client.ts";
import { deadUrl, reply, startRawUpstream, startUpstream } from "../support/upstream.ts";

const main = join(import.meta.dirname, "../../src/gateway/main.ts");
const keys = [
  mintKey({ name: "app", scopes: ["inference"] }, new Date()),
  mintKey({ name: "boss", scopes: ["admin"] }, new Date()),
];
const certified = makeCertificate();
const [app = "", boss = ""] = keys.map(({ key }) => key);

/** What nobody may read anywhere, and what only the one who sent it may read. */
const planted = {
  key: app,
  admin: boss,
  wrong: "nx_CANARY_wrong_key",
  header: "CANARY_header",
  cookie: "CANARY_cookie",
  query: "CANARY_query",
  path: "CANARY_path",
  body: "CANARY_body",
  answer: "CANARY_answer",
  order: "CANARY_order",
  tls: certified.key.split("\n")[1] ?? "",
};
/** Said in answers to the one who sent it: a name that does not exist, a path, the words of an upstream. */
const mayBeAnswered = new Set([planted.path, planted.body, planted.answer]);

const cleanUps: (() => unknown)[] = [];
const answers: string[] = [];
const documents: string[] = [];
const addresses: string[] = [];
let logged = "";
let kept = "";

const crash = `process.on("SIGUSR2", () => { JSON.parse("${planted.body} is no JSON"); });`;
const crashOnSignal = `data:text/javascript;base64,${Buffer.from(crash).toString("base64")}`;

beforeAll(async () => {
  const data = await mkdtemp(join(tmpdir(), "nexus-gateway-"));
  cleanUps.push(() => rm(data, { recursive: true, force: true }));
  const env = {
    NEXUS_GATEWAY_DATA: data,
    NEXUS_GATEWAY_SOCKET: join(data, "control.sock"),
    NEXUS_GATEWAY_API_PORT: "0",
    NEXUS_GATEWAY_OBSERVABILITY_PORT: "0",
    NEXUS_GATEWAY_HOST: "127.0.0.1",
    NEXUS_GATEWAY_HEADERS_MS: "300",
    NEXUS_GATEWAY_IDLE_MS: "300",
    NEXUS_GATEWAY_MAX_BODY_BYTES: "2000",
    NEXUS_GATEWAY_CLIENT_REQUEST_MS: "1000",
    NEXUS_GATEWAY_CLIENT_HEAD_MS: "1000",
    NEXUS_GATEWAY_GRACE_MS: "500",
  };
  const gateway = execa(process.execPath, ["--import", crashOnSignal, main], {
    env,
    reject: false,
  });
  for (const output of [gateway.stdout, gateway.stderr]) {
    output.on("data", (text) => (logged += String(text)));
  }
  await once(gateway.stdout, "data");
  const control = (...orders: readonly object[]) => speak(env.NEXUS_GATEWAY_SOCKET, orders);
  const upstreams = await openUpstreams();
  const config = {
    version: 1,
    stack: "test",
    upstreams,
    aliases: { both: ["dead/echo", "broken/echo"] },
  };
  const [hello] = await control(
    { op: "hello" },
    ...keys.map(({ record }) => ({ op: "keys.add", key: record })),
    { op: "configure", config },
    { op: "configure", config: { ...config, nonsense: planted.order } },
    {
      op: "request",
      upstream: upstreams[0],
      method: "POST",
      path: `/${planted.order}`,
      body: planted.order,
    },
    { op: "prove", upstream: upstreams[1] },
    { op: planted.order },
  );
  const { api_port: port, observability_port: observability } = hello.ok;
  const url = `http://127.0.0.1:${port}`;
  await traffic(
    url,
    upstreams.map(({ id }) => id),
  );
  for (const path of [
    "/metrics",
    "/services/well/readyz",
    "/services/dead/readyz",
    "/services/dead/v1/metadata",
  ]) {
    documents.push(await (await fetch(`http://127.0.0.1:${observability}${path}`)).text());
  }
  for (const path of ["/v1/services", "/v1/models", "/v1/metadata", "/v1/descriptor", "/readyz"]) {
    documents.push(
      await (await fetch(url + path, { headers: { authorization: `Bearer ${app}` } })).text(),
    );
  }
  const tls = { certificate: certificateDigest(certified.certificate) };
  const listings = await control(
    { op: "status" },
    { op: "keys.list" },
    { op: "configure", config: { ...config, tls }, tls: { ...certified, certificate: "none" } },
    { op: "configure", config: { ...config, tls }, tls: certified },
    { op: "status" },
  );
  // These two are the operator's, and tell where the upstreams are.
  kept += JSON.stringify(listings);
  gateway.kill("SIGUSR2");
  await gateway;
  kept += await textOfFiles(data);
}, 60_000);

afterAll(async () => {
  for (const clean of cleanUps.splice(0)) await clean();
});

/** Upstreams that behave and that fail in every way, each at an address that nobody may be told. */
async function openUpstreams() {
  const well = await startUpstream();
  const rude = await startUpstream();
  const error =
    (status: number, body: string) => (_: unknown, response: Parameters<typeof reply>[0]) =>
      reply(response, status, body);
  rude.behave({
    "/v1/chat/completions": error(500, `{"error":"${planted.answer} at ${rude.url}"}`),
    "/v1/completions": error(401, `{"error":{"message":"${planted.answer}"}}`),
    "/v1/embeddings": (_, response) =>
      void response.writeHead(307, { location: `${rude.url}/${planted.answer}` }).end(),
    "/v1/responses": error(500, `<h1>${planted.answer} ${rude.url}</h1>`),
  });
  const broken = await startRawUpstream(
    readyBut((socket) => socket.end(`${planted.answer}\r\n\r\n`)),
  );
  const silent = await startRawUpstream(readyBut(() => {}));
  const half = await startRawUpstream(
    readyBut((socket) => {
      const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999";
      socket.end(`${head}\r\n\r\ndata: {}\n\n`);
    }),
  );
  const dead = await deadUrl();
  cleanUps.push(well.stop, rude.stop, broken.stop, silent.stop, half.stop);
  addresses.push(
    ...[well.url, rude.url, broken.url, silent.url, half.url, dead].map((url) => new URL(url).host),
  );
  const provides = ["chat", "completion", "embedding", "rerank", "image", "tts"];
  const probe = { path: "/readyz", status: [200, 404], models: "none" };
  const at = (id: string, url: string) =>
    upstreamAt(url, { id, provides, models: ["echo"], probe });
  return [
    at("well", well.url),
    at("rude", rude.url),
    at("broken", broken.url),
    at("silent", silent.url),
    at("half", half.url),
    at("dead", dead),
  ];
}

/** Says that it is ready, and answers everything else by the script. */
function readyBut(converse: (socket: Socket) => void) {
  return (socket: Socket) => {
    socket.on("data", (data) => {
      const isProbe = String(data).startsWith("GET /readyz");
      if (isProbe) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      else converse(socket);
    });
  };
}

/** Asks everything in every way that fails, each request with all that is planted. */
async function traffic(url: string, services: readonly string[]): Promise<void> {
  const headers = {
    "x-custom": planted.header,
    cookie: planted.cookie,
    "content-type": "application/json",
  };
  const ask = async (path: string, body: string | undefined, key = app) => {
    const target = `${url}${path}?key=${planted.query}`;
    const authorization = `Bearer ${key}`;
    const method = body === undefined ? "GET" : "POST";
    const response = await fetch(target, {
      method,
      headers: { ...headers, authorization },
      ...(body !== undefined && { body }),
    });
    answers.push(JSON.stringify([...response.headers]) + (await response.text().catch(() => "")));
  };
  const messages = [{ role: "user", content: planted.body }];
  const about = (model: string, stream: boolean) =>
    JSON.stringify({
      model,
      stream,
      messages,
      input: planted.body,
      prompt: planted.body,
      documents: [planted.body],
    });
  const asked = endpoints
    .filter(({ body }) => body === "json")
    .flatMap(({ path }) =>
      services.flatMap((id) =>
        [true, false].map((stream) => ask(path, about(`${id}/echo`, stream))),
      ),
    );
  await Promise.all(asked);
  await Promise.all([
    ask("/v1/chat/completions", about("both", false)),
    ask("/v1/chat/completions", about(planted.body, false)),
    ask("/v1/chat/completions", about("well/echo", false), planted.wrong),
    ask("/v1/chat/completions", `{"model":"echo","x":"${planted.body}`),
    ask("/v1/chat/completions", about("well/echo", false).padEnd(3000, " ")),
    ask(`/v1/${planted.path}`, undefined),
    ask(`/v1/models/${planted.path}`, undefined),
    ask("/v1/chat/completions", undefined),
    ask("/services/well/v1/models", undefined),
    ...services.map((id) => ask(`/services/${id}/${planted.path}`, undefined, boss)),
  ]);
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${app}\r\nx-custom: ${planted.header}\r\n`;
  answers.push(
    await sendRaw(url, `${head}content-length: x${planted.header}\r\n\r\n`),
    await sendRaw(url, `${head}content-length: 999\r\n\r\n{"x":"${planted.body}"`),
    await sendRaw(url, `${head}x: ${planted.header.repeat(2000)}\r\n\r\n`),
  );
}

/** Speaks to the control channel and returns the final lines by order. */
async function speak(path: string, orders: readonly object[]) {
  const socket = createConnection(path);
  let text = "";
  socket.on("data", (data) => (text += String(data)));
  socket.write(`{"${planted.order}\n`);
  const final = () => text.split("\n").filter((line) => /"(?:ok|error)":/.test(line)).length;
  for (const [index, order] of orders.entries()) {
    socket.write(`${JSON.stringify({ id: index + 1, ...order })}\n`);
    while (final() < index + 2) await once(socket, "data");
  }
  socket.destroy();
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  return lines.filter(({ id }) => id > 0).toSorted((a, b) => a.id - b.id);
}

/** Everything in the data folder but the certificate's own file. */
async function textOfFiles(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((one) => one.isFile() && !one.name.startsWith("certificate-"));
  const texts = names.map(({ name }) => readFile(join(folder, name), "latin1"));
  return (await Promise.all(texts)).join("\n");
}

const found = (text: string, words: readonly string[]) =>
  words.filter((word) => text.includes(word));

describe("after everything that can be asked and can fail", () => {
  test("the log tells of it, of the crash too, and holds no secret and no address of an upstream", () => {
    for (const event of [
      "gateway.listening",
      '"status":502',
      '"status":504',
      '"status":401',
      "gateway.crashed",
    ]) {
      expect(logged).toContain(event);
    }
    expect(found(logged, Object.values(planted))).toEqual([]);
    expect(found(logged, addresses)).toEqual([]);
  });

  test("no answer holds a secret, nor the address of an upstream", () => {
    const text = answers.join("\n");
    expect(text).toContain("upstream_timeout");
    expect(
      found(
        text,
        Object.values(planted).filter((word) => !mayBeAnswered.has(word)),
      ),
    ).toEqual([]);
    expect(found(text, addresses)).toEqual([]);
  });

  test("metrics, registry and contract hold no secret, nor the address of an upstream", () => {
    const text = documents.join("\n");
    expect(text).toContain("nexus_requests_total");
    expect(found(text, [...Object.values(planted), ...addresses])).toEqual([]);
  });

  test("what the operator is told, and what is kept on disk, holds no secret", () => {
    expect(kept).toContain("sha256:");
    expect(found(kept, Object.values(planted))).toEqual([]);
  });
});
