/** What one key may still use: requests and tokens of this minute, and tokens of this day. */
import type { KeyLimits, RateLimit } from "../protocol.ts";
import { Bucket } from "./bucket.ts";

/** A moment on both clocks, in milliseconds: a monotonic one for minutes, the wall's for days. */
export type Moment = Readonly<{ monotonic: number; wall: number }>;

/** Whether a key may send a request now; the headers tell its client how much is left. */
export type Verdict = Readonly<
  | { kind: "admitted"; headers: RateHeaders | undefined }
  | { kind: "refused"; limit: RateLimit; retryAfterMs: number; headers: RateHeaders }
>;

/** `x-ratelimit-…` as OpenAI spells them. */
export type RateHeaders = Readonly<Record<string, string>>;

const dayMs = 86_400_000;

type Left = Readonly<{ limit: number; remaining: number; resetMs: number }>;

/** The allowance of one key. */
export class Allowance {
  #limits: KeyLimits;
  #requests: Bucket | undefined;
  #tokens: Bucket | undefined;
  #day = 0;
  #usedToday = 0;

  constructor(limits: KeyLimits, now: Moment) {
    this.#limits = {};
    this.setLimits(limits, now);
  }

  /** Takes other limits into force at once; what has been used stays used. */
  setLimits(limits: KeyLimits, { monotonic }: Moment): void {
    if (limits === this.#limits) return;
    this.#limits = limits;
    this.#requests = adjusted(this.#requests, limits.requests_per_minute, monotonic);
    this.#tokens = adjusted(this.#tokens, limits.tokens_per_minute, monotonic);
  }

  /** Admits a request and uses one, or says when it is worth asking again. */
  admit(now: Moment): Verdict {
    const refused = this.#refusal(now);
    if (refused) return { kind: "refused", ...refused, headers: this.#headers(now) };
    this.#requests?.use(1, now.monotonic);
    return { kind: "admitted", headers: this.#headers(now) };
  }

  /** Uses tokens, which are known only when they have been used. */
  charge(tokens: number, now: Moment): void {
    this.#tokens?.use(tokens, now.monotonic);
    this.#turnDay(now);
    this.#usedToday += tokens;
  }

  /** Takes up what an earlier run has used of this day's tokens. */
  seed(tokensToday: number, now: Moment): void {
    this.#turnDay(now);
    this.#usedToday += tokensToday;
  }

  #refusal(now: Moment): Readonly<{ limit: RateLimit; retryAfterMs: number }> | undefined {
    const { tokens_per_day: perDay = Infinity } = this.#limits;
    this.#turnDay(now);
    if (this.#usedToday >= perDay) {
      return { limit: "tokens_per_day", retryAfterMs: untilTomorrow(now) };
    }
    const untilTokens = this.#tokens?.msUntil(1, now.monotonic) ?? 0;
    if (untilTokens > 0) return { limit: "tokens_per_minute", retryAfterMs: untilTokens };
    const untilRequest = this.#requests?.msUntil(1, now.monotonic) ?? 0;
    if (untilRequest > 0) return { limit: "requests_per_minute", retryAfterMs: untilRequest };
    return undefined;
  }

  /** A clock that is set back does not give a day's tokens again. */
  #turnDay({ wall }: Moment): void {
    const day = Math.floor(wall / dayMs);
    if (day <= this.#day) return;
    this.#day = day;
    this.#usedToday = 0;
  }

  #headers(now: Moment): RateHeaders {
    const requests = leftIn(this.#requests, now.monotonic);
    const tokens = this.#tokensLeft(now);
    return { ...rateHeaders("requests", requests), ...rateHeaders("tokens", tokens) };
  }

  /** Of the minute's and the day's tokens, those that there are fewer of. */
  #tokensLeft(now: Moment): Left | undefined {
    const minute = leftIn(this.#tokens, now.monotonic);
    const { tokens_per_day: limit } = this.#limits;
    if (limit === undefined) return minute;
    const remaining = Math.max(0, limit - this.#usedToday);
    if (minute && minute.remaining <= remaining) return minute;
    return { limit, remaining, resetMs: untilTomorrow(now) };
  }
}

function adjusted(bucket: Bucket | undefined, perMinute: number | undefined, now: number) {
  if (perMinute === undefined) return undefined;
  if (!bucket) return new Bucket(perMinute, now);
  bucket.setAllowance(perMinute, now);
  return bucket;
}

/** How long until the next day begins in UTC. */
function untilTomorrow({ wall }: Moment): number {
  return dayMs - (wall % dayMs);
}

function leftIn(bucket: Bucket | undefined, now: number): Left | undefined {
  if (!bucket) return undefined;
  const remaining = Math.max(0, Math.floor(bucket.level(now)));
  return { limit: bucket.perMinute, remaining, resetMs: bucket.msUntil(bucket.perMinute, now) };
}

function rateHeaders(what: "requests" | "tokens", left: Left | undefined): RateHeaders {
  if (!left) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(left.limit),
    [`x-ratelimit-remaining-${what}`]: String(left.remaining),
    [`x-ratelimit-reset-${what}`]: duration(left.resetMs),
  };
}

/** A duration as OpenAI writes it: `17ms`, `1.5s`, `6m0s`, `2h3m4s`. */
function duration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  if (ms < 60_000) return `${Math.ceil(ms / 100) / 10}s`;
  const seconds = Math.ceil(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const rest = `${minutes % 60}m${seconds % 60}s`;
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}h${rest}`;
}
