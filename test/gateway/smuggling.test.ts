/** Bytes that one parser takes for one request and another for two: the gateway makes at most one of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { answersIn, sendRaw } from "../support/raw-client.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway({
    NEXUS_GATEWAY_CLIENT_HEAD_MS: "200",
    NEXUS_GATEWAY_CLIENT_REQUEST_MS: "200",
  });
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const line = "POST /v1/chat/completions HTTP/1.1\r\n";
const body = '{"model":"echo","messages":[]}';
const size = String(body.length);
const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const head = () => `${line}host: g\r\nauthorization: Bearer ${gateway.key}\r\n`;
const whole = () => `${head()}content-length: ${size}\r\n\r\n${body}`;
/** Asked last: its answer shows that the connection is still in step, its absence that it was closed. */
const last = "GET /health HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n";

/** What is written, from the head on; `hidden` is a request that only a confused parser would see. */
type Case = readonly [name: string, bytes: (hidden: string) => string];

const refused: readonly Case[] = [
  [
    "a length and chunks (CL.TE)",
    (hidden) =>
      `${head()}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "chunks and a length (TE.CL)",
    (hidden) =>
      `${head()}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n${chunked}${hidden}`,
  ],
  [
    "two lengths that differ",
    (hidden) => `${head()}content-length: ${size}\r\ncontent-length: 1\r\n\r\n${body}${hidden}`,
  ],
  [
    "two lengths that agree",
    (hidden) =>
      `${head()}content-length: ${size}\r\ncontent-length: ${size}\r\n\r\n${body}${hidden}`,
  ],
  ...["+30", "-1", "0x1e", "30,30", "30, 31", "3 0", "30a", "", "1e1", "99999999999999999999"].map(
    (length): Case => [
      `the length "${length}"`,
      (hidden) => `${head()}content-length: ${length}\r\n\r\n${body}${hidden}`,
    ],
  ),
  ...[
    "transfer-encoding: xchunked",
    "transfer-encoding : chunked",
    "transfer-encoding: chunked, identity",
    "transfer-encoding: identity",
    "transfer-encoding:\r\n chunked, foo",
    "transfer-encoding: gzip",
    "transfer-encoding: chunked\r\ntransfer-encoding: x",
    'transfer-encoding: "chunked"',
    "transfer-encoding: chunked\x0b",
    "transfer-encoding\t: chunked",
    "\ttransfer-encoding: chunked",
    "x: y\ntransfer-encoding: chunked",
    "x: y\rtransfer-encoding: chunked",
    "transfer-encoding: chu\0nked",
    "x\0y: z",
    "x: a\0b",
    "x y: z",
    ": z",
    "no colon",
  ].map((header): Case => [
    `the header ${JSON.stringify(header)}`,
    (hidden) => `${head()}${header}\r\n\r\n${chunked}${hidden}`,
  ]),
  ...[
    "GET / HTTP/0.9",
    "GET /",
    "GET /health HTTP/2.0",
    "GET /hea lth HTTP/1.1",
    "BREW /health HTTP/1.1",
    "GET /health HTTP/1.1 x",
    "\0GET /health HTTP/1.1",
    "{}",
  ].map((first): Case => [
    `the request line ${JSON.stringify(first)}`,
    (hidden) => `${first}\r\nhost: g\r\n\r\n${hidden}`,
  ]),
  ["no host", (hidden) => `GET /health HTTP/1.1\r\n\r\n${hidden}`],
  ["bare line feeds only", (hidden) => `${whole().replaceAll("\r\n", "\n")}${hidden}`],
  ["headers of 20 KB", (hidden) => `${head()}x: ${"x".repeat(20_000)}\r\n\r\n${hidden}`],
  ...["-1", "+1e", "0x1e", "1e 1", "fffffffffffffffff", "g", "", " 1e", "1e\n"].map(
    (length): Case => [
      `the chunk size ${JSON.stringify(length)}`,
      (hidden) =>
        `${head()}transfer-encoding: chunked\r\n\r\n${length}\r\n${body}\r\n0\r\n\r\n${hidden}`,
    ],
  ),
  [
    "a chunk longer than its size",
    (hidden) => `${head()}transfer-encoding: chunked\r\n\r\n5\r\n${body}\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "a chunk extension of 20 KB",
    (hidden) =>
      `${head()}transfer-encoding: chunked\r\n\r\n1e;x=${"x".repeat(20_000)}\r\n${body}\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "trailers that only headers may be",
    (hidden) =>
      `${head()}transfer-encoding: chunked\r\n\r\n1e\r\n${body}\r\n0\r\ncontent-length: 0\r\n\r\n${hidden}`,
  ],
  [
    "a chunk extension with a bare line feed",
    (hidden) => `${head()}transfer-encoding: chunked\r\n\r\n1e;x\n${body}\r\n0\r\n\r\n${hidden}`,
  ],
];

const closing: readonly Case[] = [
  [
    "an upgrade to another protocol",
    () =>
      `${head()}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\ncontent-length: ${size}\r\n\r\n${body}`,
  ],
  [
    "HTTP/1.0",
    () => `${head().replace("HTTP/1.1", "HTTP/1.0")}content-length: ${size}\r\n\r\n${body}`,
  ],
];

const relayed: readonly Case[] = [
  ["chunks", () => `${head()}transfer-encoding: chunked\r\n\r\n${chunked}`],
  [
    "a chunk extension",
    () => `${head()}transfer-encoding: chunked\r\n\r\n1e;a=b;c="d"\r\n${body}\r\n0\r\n\r\n`,
  ],
  [
    "trailers, which are dropped",
    () =>
      `${head()}transfer-encoding: chunked\r\ntrailer: x-smuggled\r\n\r\n1e\r\n${body}\r\n0\r\n` +
      `x-smuggled: 1\r\nauthorization: Bearer x\r\n\r\n`,
  ],
  [
    "connection options that name headers",
    () =>
      `${head()}connection: x-smuggled, authorization, content-length\r\nx-smuggled: 1\r\ncontent-length: ${size}\r\n\r\n${body}`,
  ],
  ["a second host", () => `${head()}host: elsewhere\r\ncontent-length: ${size}\r\n\r\n${body}`],
  [
    "a query that looks like a request",
    () =>
      `${head().replace("completions ", "completions?x=%0d%0aGET%20/%20HTTP/1.1 ")}content-length: ${size}\r\n\r\n${body}`,
  ],
];

describe("at most one request leaves the gateway for", () => {
  test.each(refused)("%s: it is refused and the connection closed", async (_, bytes) => {
    const before = upstream.received.length;
    const text = await sendRaw(gateway.url, bytes(whole()), last);
    const answers = answersIn(text);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.status.toString()).toMatch(/^4\d\d$/);
    expect(upstream.received).toHaveLength(before);
  });

  test.each(closing)("%s: nothing behind it is taken for a request", async (_, bytes) => {
    const before = upstream.received.length;
    const answers = answersIn(await sendRaw(gateway.url, bytes(""), whole(), last));
    expect(answers).toHaveLength(1);
    expect(upstream.received.length - before).toBe(answers[0]?.status === 200 ? 1 : 0);
  });

  test.each(relayed)("%s: it is relayed, and the connection stays in step", async (_, bytes) => {
    const before = upstream.received.length;
    const text = await sendRaw(gateway.url, bytes(""), last);
    expect(answersIn(text).map(({ status }) => status)).toEqual([200, 200]);
    expect(upstream.received).toHaveLength(before + 1);
    const received = upstream.received.at(-1);
    expect(received?.body).toBe(body);
    expect(received?.headers).toMatchObject({ "content-length": size });
    for (const name of ["x-smuggled", "authorization", "transfer-encoding", "upgrade", "trailer"]) {
      expect(received?.headers).not.toHaveProperty(name);
    }
  });
});
