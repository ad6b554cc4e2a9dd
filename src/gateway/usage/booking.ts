/** What is kept of requests: sums per hour, key, service, model and endpoint, and nothing of any single one. */
import type { UsageSums } from "../protocol.ts";
import type { Cost } from "./usage-tap.ts";

/** One request that is over. */
export type Booking = Readonly<{
  /** When it ended, in milliseconds since 1970. */
  at: number;
  key: string;
  /** Empty when no service was asked. */
  service: string;
  /** Empty when no model was asked for, or none that is here. */
  model: string;
  endpoint: string;
  failed: boolean;
  seconds: number;
  /** Undefined when nobody knows what it cost. */
  cost: Cost | undefined;
}>;

/** What requests have in common that are summed together; `hour` counts from 1970. */
export type Account = Readonly<{
  hour: number;
  key: string;
  service: string;
  model: string;
  endpoint: string;
}>;

/** One row of the ledger. */
export type LedgerRow = Account & UsageSums;

/** Milliseconds of the smallest span that the ledger tells apart. */
export const hourMs = 3_600_000;

/** A name as long as the ledger keeps it: some are chosen by clients. */
const longestName = 200;

/** The account that a request is booked to. */
export function accountOf({ at, key, service, model, endpoint }: Booking): Account {
  const hour = Math.floor(at / hourMs);
  return { hour, key, service, model: model.slice(0, longestName), endpoint };
}

/** The same account, whatever was asked for. */
export function coarseAccount({ hour, key }: Account): Account {
  return { hour, key, service: "_other", model: "_other", endpoint: "_other" };
}

/** A name by which equal accounts are found. */
export function accountName({ hour, key, service, model, endpoint }: Account): string {
  return `${hour}\n${key}\n${service}\n${model}\n${endpoint}`;
}

/** What one request adds to its account. */
export function sumsOf({ failed, seconds, cost }: Booking): UsageSums {
  return {
    requests: 1,
    failures: failed ? 1 : 0,
    estimated: cost?.estimated ? 1 : 0,
    input_tokens: cost?.input ?? 0,
    cached_tokens: cost?.cached ?? 0,
    output_tokens: cost?.output ?? 0,
    seconds,
  };
}

/** The sums of no request. */
export const noSums: UsageSums = {
  requests: 0,
  failures: 0,
  estimated: 0,
  input_tokens: 0,
  cached_tokens: 0,
  output_tokens: 0,
  seconds: 0,
};

/** Two sums in one. */
export function addSums(a: UsageSums, b: UsageSums): UsageSums {
  return {
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
    estimated: a.estimated + b.estimated,
    input_tokens: a.input_tokens + b.input_tokens,
    cached_tokens: a.cached_tokens + b.cached_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    seconds: a.seconds + b.seconds,
  };
}
