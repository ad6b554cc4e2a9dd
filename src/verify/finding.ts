/** What a check came to: the rows of the conformance matrix. */

/** What a check is about, in the order in which they are told. */
export const groups = ["contract", "honesty", "endpoints", "errors", "streaming"] as const;

/** What a check is about. */
export type Group = (typeof groups)[number];

/** How a check ended: `not-claimed` is nothing that the service promises, `skipped` could not be looked at. */
export type Outcome = "pass" | "fail" | "not-claimed" | "skipped";

/** What one look came to. */
export type Verdict = Readonly<{ outcome: Outcome; detail: string }>;

/** A row of the matrix; `check` is stable, for programs. */
export type Finding = Readonly<{ group: Group; check: string } & Verdict>;

/** As promised. */
export const passed = (detail: string): Verdict => ({ outcome: "pass", detail });

/** Not as promised. */
export const failed = (detail: string): Verdict => ({ outcome: "fail", detail });

/** Nothing of the kind was promised. */
export const notClaimed = (detail: string): Verdict => ({ outcome: "not-claimed", detail });

/** Could not be looked at, and why. */
export const skipped = (detail: string): Verdict => ({ outcome: "skipped", detail });
