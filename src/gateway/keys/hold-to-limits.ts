/** Holds a request to the limits of its key, before a byte of its body is read. */
import type { App } from "../app.ts";
import type { Exchange } from "../api/exchange.ts";
import type { Failure } from "../api/failure.ts";
import type { KeyLimits, KeyRecord } from "../protocol.ts";

/** Books a request to its key; false when the key's limits do not let it in, which its client has then been told. */
export function holdToLimits(app: App, exchange: Exchange, key: KeyRecord): boolean {
  exchange.payer = key.name;
  const verdict = app.allowances.admit(key);
  exchange.limitHeaders = verdict.headers;
  if (verdict.kind === "admitted") return true;
  exchange.fail(limitReached(key, verdict.limit, verdict.retryAfterMs));
  return false;
}

const words = {
  requests_per_minute: "requests a minute",
  tokens_per_minute: "tokens a minute",
  tokens_per_day: "tokens a day (UTC)",
} as const satisfies Record<keyof KeyLimits, string>;

function limitReached(
  { name, limits }: KeyRecord,
  limit: keyof KeyLimits,
  retryAfterMs: number,
): Failure {
  const message = `The key "${name}" has used up its limit of ${limits?.[limit] ?? 0} ${words[limit]}.`;
  const failure = { status: 429, code: "rate_limit_exceeded", fault: "policy" } as const;
  return { ...failure, message, retryAfterMs };
}
