/** What an attempt says of the upstream's health. */
import type { Headers } from "../api/headers.ts";
import type { Verdict } from "../upstreams/health.ts";
import type { Attempt } from "./relay.ts";

const unknown: Verdict = { kind: "unknown" };
const failure: Verdict = { kind: "failure" };
const success: Verdict = { kind: "success" };

/** Judges an attempt: what the client or the gateway broke off says nothing, nor does a connection that had idled too long. */
export function verdictOf(attempt: Attempt): Verdict {
  switch (attempt.kind) {
    case "answer":
      return judgeAnswer(attempt.status, attempt.headers);
    case "failed":
      return attempt.failure.fault === "upstream" && !attempt.stale ? failure : unknown;
    case "broken":
      return attempt.failure.fault === "upstream" ? failure : unknown;
    // A stream has succeeded with its first byte, if it has one.
    case "streamed":
      return attempt.chunks === 0 ? success : unknown;
    case "cancelled":
    default:
      return unknown;
  }
}

/** A 4xx is the request's fault; a full upstream is busy and not ill. */
function judgeAnswer(status: number, headers: Headers): Verdict {
  const again = retryAfterMs(headers);
  if (status === 429 || (status === 503 && again !== undefined)) {
    return { kind: "busy", forMs: again ?? defaultBusyMs };
  }
  return status >= 500 ? failure : success;
}

const defaultBusyMs = 1_000;
const longestBusyMs = 60_000;

/** RFC 9110's `Retry-After` in seconds; a date counts as none told. */
function retryAfterMs(headers: Headers): number | undefined {
  const told = Number(headers["retry-after"] ?? Number.NaN);
  return told >= 0 ? Math.min(longestBusyMs, told * 1000) : undefined;
}
