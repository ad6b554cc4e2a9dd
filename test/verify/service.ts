/** A service that keeps the contract, of which a test can spoil single answers. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32, deflateSync } from "node:zlib";
import { tone } from "../../src/verify/wav.ts";
import { createApp } from "../../templates/example/app.ts";
import { readSettings } from "../../templates/example/settings.ts";
import { WarmUp } from "../../templates/example/warm-up.ts";

/** An answer as a test gives it; a body that is no text is sent as JSON. */
export type Given = Readonly<{
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
}>;

/** What a test sees of a request; `honest` is the answer that would have been given. */
export type Asked = Readonly<{ body: string; honest: () => Promise<Response> }>;

/** `METHOD /path` to another answer than the honest one. */
export type Spoilt = Readonly<Record<string, (asked: Asked) => Given | Promise<Given>>>;

/** A service on this machine. */
export type TestService = Readonly<{ url: string; stop: () => Promise<void> }>;

/** A picture of one red pixel. */
export const redPixel = png(Buffer.from([0, 255, 0, 0]));

/** Starts the example with media beside it; `spoilt` answers go before. */
export async function startService(spoilt: Spoilt = {}): Promise<TestService> {
  const warmUp = new WarmUp(0);
  await warmUp.run();
  const honest = createApp(readSettings({ SERVICE_NAME: "mine", TOKEN_DELAY_MS: "1" }), warmUp);
  const base = await listen(honest);
  const front = createServer((request, response) => {
    void answer({ request, response, base, given: { ...media, ...spoilt } });
  });
  const url = await listen(front);
  const close = (server: Server) => once(server.close(), "close").then(() => undefined);
  const stop = async () => {
    front.closeAllConnections();
    honest.closeAllConnections();
    await Promise.all([close(front), close(honest)]);
  };
  return { url, stop };
}

/** Media as a service gives them that promises them. */
const media: Spoilt = {
  "POST /v1/audio/speech": () => ({ headers: { "content-type": "audio/wav" }, body: tone() }),
  "POST /v1/audio/transcriptions": ({ body }) =>
    body.includes("RIFF") ? { body: { text: "beep" } } : { status: 400, body: noFile },
  "POST /v1/images/generations": () => ({
    body: { created: 1, data: [{ b64_json: redPixel.toString("base64") }] },
  }),
  "POST /v1/rerank": () => ({
    body: { results: [0, 1, 2].map((index) => ({ index, relevance_score: 1 - index / 4 })) },
  }),
};

const noFile = { error: { message: "No file.", type: "invalid_request_error", code: null } };

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Exchange = Readonly<{
  request: IncomingMessage;
  response: ServerResponse;
  base: string;
  given: Spoilt;
}>;

async function answer({ request, response, base, given }: Exchange): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks);
  const { method = "GET", url = "/" } = request;
  const honest = () =>
    fetch(base + url, {
      method,
      headers: { "content-type": request.headers["content-type"] ?? "" },
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    });
  const other = given[`${method} ${url}`];
  if (other === undefined) return pass(await honest(), response);
  send(await other({ body: body.toString("latin1"), honest }), response);
}

async function pass(honest: Response, response: ServerResponse): Promise<void> {
  response.writeHead(honest.status, Object.fromEntries(honest.headers));
  for await (const piece of honest.body ?? []) response.write(piece);
  response.end();
}

function send({ status = 200, headers = {}, body = "" }: Given, response: ServerResponse): void {
  const isRaw = typeof body === "string" || Buffer.isBuffer(body);
  const type = isRaw ? {} : { "content-type": "application/json" };
  response.writeHead(status, { ...type, ...headers }).end(isRaw ? body : JSON.stringify(body));
}

function png(row: Buffer): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(1, 0);
  head.writeUInt32BE(1, 4);
  head.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    section("IHDR", head),
    section("IDAT", deflateSync(row)),
    section("IEND", Buffer.alloc(0)),
  ]);
}

function section(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(body.length, 0);
  numbers.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([numbers.subarray(0, 4), named, numbers.subarray(4)]);
}
