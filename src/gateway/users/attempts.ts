/** How often somebody may try: failures make the next attempt wait, longer each time. Pure but for what it counts. */

/** What makes attempts wait; times in milliseconds. */
export type Patience = Readonly<{
  /** Failures after which the next attempt has to wait. */
  failures: number;
  firstPauseMs: number;
  /** Pauses double up to this. */
  longestPauseMs: number;
  /** One failure is forgiven every so often, so that those of many people at one address never pile up. */
  forgiveMs: number;
  /** How many subjects are remembered; the one that was quiet for longest is forgotten first. */
  mostSubjects: number;
}>;

type Count = Readonly<{
  failures: number;
  pending: number;
  /** Up to when failures have been forgiven. */
  since: number;
  /** When the next attempt may be made. */
  until: number;
}>;

/** While attempts are under way that may use up what is left. */
const pendingPauseMs = 1_000;

/** Counts attempts by subject: a name, or where they come from. Times are of one clock. */
export class Attempts {
  readonly #patience: Patience;
  readonly #counts = new Map<string, Count>();

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** How long a subject has to wait before it may try, in milliseconds; 0 for not at all. */
  waitMs(subject: string, now: number): number {
    const { failures, pending, until } = this.#of(subject, now);
    if (until > now) return until - now;
    const left = Math.max(1, this.#patience.failures - failures);
    return pending < left ? 0 : pendingPauseMs;
  }

  /** An attempt that has begun counts against its subject until it is over. */
  begin(subject: string, now: number): void {
    const count = this.#of(subject, now);
    this.#keep(subject, { ...count, pending: count.pending + 1 });
  }

  /** An attempt is over that said nothing of whoever made it. */
  end(subject: string, now: number): void {
    const count = this.#of(subject, now);
    this.#keep(subject, { ...count, pending: Math.max(0, count.pending - 1) });
  }

  /** An attempt that has failed. */
  fail(subject: string, now: number): void {
    const count = this.#of(subject, now);
    const failures = count.failures + 1;
    const { failures: allowed, firstPauseMs, longestPauseMs } = this.#patience;
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - allowed));
    const until = failures < allowed ? 0 : now + pauseMs;
    const since = count.failures === 0 ? now : count.since;
    this.#keep(subject, { failures, pending: Math.max(0, count.pending - 1), since, until });
  }

  /** Forgets the failures of a subject. */
  forgive(subject: string): void {
    const count = this.#counts.get(subject);
    if (count) this.#keep(subject, { ...count, failures: 0, until: 0 });
  }

  #of(subject: string, now: number): Count {
    const { forgiveMs } = this.#patience;
    const count = this.#counts.get(subject) ?? { failures: 0, pending: 0, since: now, until: 0 };
    const forgiven = Math.max(0, Math.floor((now - count.since) / forgiveMs));
    const failures = Math.max(0, count.failures - forgiven);
    return { ...count, failures, since: count.since + forgiven * forgiveMs };
  }

  #keep(subject: string, count: Count): void {
    // A map keeps the order of insertion: what was touched last stands last.
    this.#counts.delete(subject);
    if (count.failures > 0 || count.pending > 0) this.#counts.set(subject, count);
    if (this.#counts.size <= this.#patience.mostSubjects) return;
    for (const [quietest] of this.#counts) {
      this.#counts.delete(quietest);
      return;
    }
  }
}
