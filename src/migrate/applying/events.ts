/** What a migration tells while it works, and what it reports at the end. Types only. */
import type { MigrationPlan, Step } from "../migration-plan.ts";

/** Something that was looked at after the stack came up, and how it was found. */
export type Check = Readonly<{
  /** Stable words: `database memory`, `key laptop`, `alias fast`. */
  id: string;
  outcome: "passed" | "failed" | "skipped";
  /** A sentence: what was found, or why nobody looked. */
  detail: string;
  /** What to do about it, a sentence; for those that failed or were not done. */
  remedy?: string;
}>;

/** Something to be done on an old host by hand. */
export type OnHost = Readonly<{ host: string; command: string }>;

/** How far a step is. */
export type StepProgress = Readonly<{
  /** What it works on: a file, a model, a service. */
  subject: string;
  bytes?: Readonly<{ done: number; total: number }>;
}>;

export type MigrationEvent = Readonly<
  /** An earlier run was not finished: its plan is gone on with. */
  | { kind: "resumed"; plan: MigrationPlan; done: number; of: number }
  | { kind: "started"; step: Step; number: number; of: number }
  | { kind: "progress"; step: Step; progress: StepProgress }
  | { kind: "finished"; step: Step; durationMs: number }
  | { kind: "failed"; step: Step; message: string }
  | { kind: "checked"; check: Check }
  | { kind: "undoing"; title: string }
  /** Something that was left as it is, in a sentence. */
  | { kind: "kept"; detail: string }
>;

/** What became of a migration. */
export type MigrationReport = Readonly<{
  stack: string;
  /** Path of the stack file. */
  file: string;
  /** True when this run had nothing left to do but to look. */
  finishedBefore: boolean;
  checks: readonly Check[];
  /** Every check passed that could be made. */
  verified: boolean;
  /** Services of the old installation that do not run any more. */
  stopped: readonly string[];
  /** What keeps those from starting with their machines again. */
  keepStopped: readonly OnHost[];
}>;

/** What became of starting old services again. */
export type StartReport = Readonly<{
  /** Services of the old installation that run again. */
  started: readonly string[];
  /** What has those start with their machines again, where that was taken from them since. */
  letStart: readonly OnHost[];
}>;

/** What became of taking a migration back. */
export type RollbackReport = StartReport &
  Readonly<{
    stack: string;
    /** What was not removed, in sentences. */
    kept: readonly string[];
  }>;
