/** Reaches a service of a stack through the gateway's control channel: on every engine, near or far, without publishing a port. */
import type { Upstream } from "../gateway/config.ts";
import type { RequestBytes } from "../gateway/protocol.ts";
import { GatewayRefusedError } from "../readiness/errors.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";
import {
  type Answer,
  endless,
  longestAnswer,
  type Question,
  type Silence,
  usualTimeoutMs,
  type Visit,
} from "./visit.ts";

/** The way to a service; when `signal` aborts, nothing more is answered. */
export type Way = Readonly<{ link: GatewayLink; upstream: Upstream; signal: AbortSignal }>;

/** Asks the upstream, configured or not. Rejects only when the gateway itself is lost. */
export function visitThroughGateway(way: Way): Visit {
  return (question) => ask(way, question);
}

async function ask(
  { link, upstream, signal: interruption }: Way,
  question: Question,
): Promise<Answer | Silence> {
  const { method, path, headers, body, timeoutMs = usualTimeoutMs } = question;
  const pieces: RequestBytes[] = [];
  const since = performance.now();
  const enough = new AbortController();
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), interruption, enough.signal]);
  let length = 0;
  const sent = {
    op: "request",
    upstream,
    method,
    path,
    answer: "bytes",
    ...(headers && { headers }),
    ...(body !== undefined && { bytes: Buffer.from(body).toString("base64") }),
  } as const;
  const onProgress = (told: unknown): void => {
    const piece = told as RequestBytes;
    length += (piece.bytes.length * 3) / 4;
    if (length <= longestAnswer) pieces.push(piece);
    else enough.abort();
  };
  try {
    const result = await link.call(sent, { onProgress, signal });
    return {
      kind: "answer",
      status: result.status,
      headers: result.headers ?? {},
      body: Buffer.concat(pieces.map(({ bytes }) => Buffer.from(bytes, "base64"))),
      arrivals: pieces.map((piece) => piece.at_ms),
      tookMs: Math.round(performance.now() - since),
    };
  } catch (error) {
    if (enough.signal.aborted) return silence(endless);
    if (signal.aborted) return silence(`nothing complete within ${timeoutMs / 1_000} s`);
    if (error instanceof GatewayRefusedError && !ours.has(error.reason))
      return silence(error.words);
    throw error;
  }
}

/** What the gateway says of a request that it does not understand: no fault of the service. */
const ours: ReadonlySet<string> = new Set(["invalid_request", "malformed_line"]);

const silence = (why: string): Silence => ({ kind: "silence", why });
