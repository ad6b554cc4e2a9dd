/** Holds a request to the limits of its key, before a byte of its body is read. */
import type { App } from "../app.ts";
import type { Exchange } from "../api/exchange.ts";
import type { Failure } from "../api/failure.ts";
import type { KeyRecord, RateLimit } from "../protocol.ts";

/** Books a request to its key; false when the key's limits do not let it in, which its client has then been told. */
export function holdToLimits(app: App, exchange: Exchange, key: KeyRecord): boolean {
  exchange.payer = key.name;
  const verdict = app.allowances.admit(key);
  exchange.limitHeaders = verdict.headers;
  if (verdict.kind === "admitted") return true;
  exchange.fail(limitReached(key, verdict.limit, verdict.retryAfterMs));
  return false;
}

/** The most bytes that a key's request may have, where the gateway itself takes this many. */
export function largestBody({ limits }: KeyRecord, ours: number): number {
  return Math.min(limits?.max_request_bytes ?? Infinity, ours);
}

const words = {
  requests_per_minute: "requests a minute",
  tokens_per_minute: "tokens a minute",
  tokens_per_day: "tokens a day (UTC)",
} as const satisfies Record<RateLimit, string>;

function limitReached(
  { name, limits }: KeyRecord,
  limit: RateLimit,
  retryAfterMs: number,
): Failure {
  const message = `The key "${name}" has used up its limit of ${limits?.[limit] ?? 0} ${words[limit]}.`;
  const failure = { status: 429, code: "rate_limit_exceeded", fault: "policy" } as const;
  return { ...failure, message, retryAfterMs };
}
