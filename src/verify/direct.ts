/** Reaches a service at an address, from this machine. */
import { request as plainRequest, type IncomingMessage } from "node:http";
import { request as secureRequest } from "node:https";
import {
  type Answer,
  endless,
  longestAnswer,
  type Question,
  type Silence,
  usualTimeoutMs,
  type Visit,
} from "./visit.ts";

/** Asks the service at `base`, an http or https address; a path in it is kept in front of every other. */
export function visitDirectly(base: URL): Visit {
  return (question) => ask(base, question);
}

function ask(base: URL, question: Question): Promise<Answer | Silence> {
  const { promise, resolve } = Promise.withResolvers<Answer | Silence>();
  const { method, path, headers = {}, body, timeoutMs = usualTimeoutMs } = question;
  const since = performance.now();
  const send = base.protocol === "https:" ? secureRequest : plainRequest;
  const signal = AbortSignal.timeout(timeoutMs);
  const url = new URL(base.pathname.replace(/\/+$/, "") + path, base);
  const sent = send(url, { method, headers: headersFor(headers, body), signal, agent: false });
  const fail = (error: Error): void =>
    resolve({ kind: "silence", why: signal.aborted ? tooLong(timeoutMs) : whyOf(error) });
  sent.on("error", fail);
  sent.on("response", (response) => {
    void collect(response, since).then(resolve, fail);
  });
  sent.end(body);
  return promise;
}

function headersFor(
  headers: Readonly<Record<string, string>>,
  body: string | Buffer | undefined,
): Record<string, string | number> {
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  return { accept: "*/*", "accept-encoding": "identity", ...length, ...headers };
}

async function collect(response: IncomingMessage, since: number): Promise<Answer> {
  const pieces: Buffer[] = [];
  const arrivals: number[] = [];
  let length = 0;
  for await (const piece of response) {
    length += piece.length;
    if (length > longestAnswer) throw new Error(endless);
    pieces.push(Buffer.from(piece));
    arrivals.push(Math.round(performance.now() - since));
  }
  const entries = Object.entries(response.headers);
  return {
    kind: "answer",
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(entries.map(([name, value]) => [name, [value].flat().join(", ")])),
    body: Buffer.concat(pieces),
    arrivals,
    tookMs: Math.round(performance.now() - since),
  };
}

const tooLong = (timeoutMs: number): string => `nothing complete within ${timeoutMs / 1_000} s`;

function whyOf(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return "the connection was refused";
  if (code === "ENOTFOUND") return "there is no such host";
  return code === "ECONNRESET" ? "the connection was cut" : error.message || code;
}
