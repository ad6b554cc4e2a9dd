/** The ways in which upstreams go wrong, and what a client sees of each. */
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { Asking } from "./every-endpoint.ts";

/** What a client may see of a fault: an error answer, a stream that ends with an error event, a cut connection, or a good answer. */
export type Sight = readonly [number, string] | "error event" | "cut" | "good" | "empty";

/** How an upstream goes wrong, given the kind of answer it was asked for, and what the client sees by that kind. */
export type Fault = Readonly<{
  name: string;
  answer: (socket: Socket, expects: Asking["expects"]) => void;
  sight: Sight | Readonly<Record<Asking["expects"], Sight>>;
  /** Whether only a limit ends it. */
  isSilent?: true;
}>;

/** What an upstream that goes well answers. */
export const good = {
  json: '{"done":"yes"}',
  events: 'data: {"delta":"a"}\n\ndata: {"delta":"b"}\n\ndata: [DONE]\n\n',
  bytes: "RIFF sound",
} as const;
const half = {
  json: '{"done":',
  events: 'data: {"delta":"a"}\n\ndata: {"de',
  bytes: "RIFF",
} as const;
const types = {
  json: "application/json",
  events: "text/event-stream",
  bytes: "audio/wav",
} as const;

/** The head of an answer that goes well up to there. */
export const head = (expects: Asking["expects"], ...lines: readonly string[]) =>
  `HTTP/1.1 200 OK\r\n${[`content-type: ${types[expects]}`, ...lines].join("\r\n")}\r\n\r\n`;
/** A whole answer of an upstream that goes well. */
export const goodAnswer = (expects: Asking["expects"], ...lines: readonly string[]) =>
  head(expects, `content-length: ${good[expects].length}`, ...lines) + good[expects];
const chunked = "transfer-encoding: chunked";
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
/** An answer without a body. */
export const empty = (status: string, ...lines: readonly string[]) =>
  `HTTP/1.1 ${status}\r\n${[...lines, "content-length: 0"].join("\r\n")}\r\n\r\n`;

const broken = [502, "upstream_error"] as const;
const late = [504, "upstream_timeout"] as const;
const breaksOff = { json: broken, events: "error event", bytes: "cut" } as const;

/** Every way in which an upstream that accepts connections goes wrong, or odd. */
export const faults: readonly Fault[] = [
  { name: "is silent", answer: () => {}, sight: late, isSilent: true },
  {
    name: "stops inside its headers",
    answer: (s) => s.write("HTTP/1.1 200 OK\r\ncont"),
    sight: late,
    isSilent: true,
  },
  { name: "closes without an answer", answer: (s) => s.end(), sight: broken },
  { name: "resets before its headers", answer: (s) => s.resetAndDestroy(), sight: broken },
  { name: "answers garbage", answer: (s) => s.end("\u0000\u0001nonsense\r\n\r\n"), sight: broken },
  {
    name: "answers with two lengths",
    answer: (s, expects) => s.end(head(expects, "content-length: 3", "content-length: 9") + "abc"),
    sight: broken,
  },
  {
    name: "answers with a length and in chunks",
    answer: (s, expects) => s.end(head(expects, "content-length: 3", chunked) + "abc"),
    sight: broken,
  },
  {
    name: "has headers without end",
    answer: (s, expects) =>
      s.end(head(expects, `x-pad: ${"x".repeat(100_000)}`, "content-length: 0")),
    sight: broken,
  },
  {
    name: "sends 101 unasked",
    answer: (s) => s.write(empty("101 Switching", "upgrade: x", "connection: upgrade")),
    sight: broken,
  },
  {
    name: "says 100 unasked",
    answer: (s, e) => s.write(`HTTP/1.1 100 Continue\r\n\r\n${goodAnswer(e)}`),
    sight: broken,
  },
  {
    name: "hints early",
    answer: (s, e) => s.write(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${goodAnswer(e)}`),
    sight: "good",
  },
  {
    name: "answers 204",
    answer: (s) => s.write("HTTP/1.1 204 No Content\r\n\r\n"),
    sight: "empty",
  },
  {
    name: "answers 500 in HTML",
    answer: (s) =>
      s.write(
        "HTTP/1.1 500 No\r\ncontent-type: text/html\r\ncontent-length: 11\r\n\r\n<h1>No</h1>",
      ),
    sight: [500, "upstream_error"],
  },
  {
    name: "answers 503 with nothing",
    answer: (s) => s.write(empty("503 Busy")),
    sight: [503, "upstream_error"],
  },
  {
    name: "breaks off inside an error answer",
    answer: (s) =>
      s.end("HTTP/1.1 500 No\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{"),
    sight: broken,
  },
  {
    name: "redirects",
    answer: (s) => s.write(empty("307 Away", "location: http://internal.example/secret")),
    sight: broken,
  },
  { name: "packs its answer unasked", answer: sendPacked, sight: "good" },
  {
    name: "adds trailers",
    answer: (s, expects) =>
      s.write(
        `${head(expects, chunked, "trailer: x-sum")}${chunk(good[expects])}0\r\nx-sum: 1\r\n\r\n`,
      ),
    sight: "good",
  },
  {
    name: "ends its answer with the connection",
    answer: (s, expects) => s.end(head(expects, "connection: close") + good[expects]),
    sight: "good",
  },
  {
    name: "sends more than its length",
    answer: (s, expects) => s.write(`${goodAnswer(expects)}HTTP/1.1 200 OK and more`),
    sight: "good",
  },
  {
    name: "sends headers in no charset",
    answer: (s, expects) => s.write(Buffer.from(goodAnswer(expects, "x-name: \u00e4\u{1f600}"))),
    sight: "good",
  },
  {
    name: "ends before its length",
    answer: (s, expects) => s.end(head(expects, "content-length: 100") + half[expects]),
    sight: breaksOff,
  },
  {
    name: "ends before its last chunk",
    answer: (s, expects) => s.end(head(expects, chunked) + chunk(half[expects])),
    sight: breaksOff,
  },
  {
    name: "sends a chunk of no size",
    answer: (s, expects) => s.end(`${head(expects, chunked)}${chunk(half[expects])}zz\r\nx\r\n`),
    sight: breaksOff,
  },
  {
    name: "resets after its headers",
    answer: (s, expects) => s.write(head(expects, chunked), () => s.resetAndDestroy()),
    sight: breaksOff,
  },
  {
    name: "falls silent inside its answer",
    answer: (s, expects) => s.write(head(expects, chunked) + chunk(half[expects])),
    sight: { json: late, events: "error event", bytes: "cut" },
    isSilent: true,
  },
];

function sendPacked(socket: Socket, expects: Asking["expects"]): void {
  const packed = gzipSync(good[expects]);
  const lines = ["content-encoding: gzip", `content-length: ${packed.length}`];
  socket.write(Buffer.concat([Buffer.from(head(expects, ...lines)), packed]));
}
