/** What apply tells while it works, and what it reports at the end. Types only. */
import type { PullProgress } from "../engine/engine.ts";
import type { Action } from "../plan/plan.ts";
import type { ModelProgress } from "../readiness/pull-progress.ts";
import type { Failure } from "../readiness/readiness.ts";
import type { Level } from "../stack/stack.ts";

/** How far an action is. */
export type Progress = Readonly<
  | { kind: "pull"; pull: PullProgress; bytesPerSecond: number }
  | { kind: "build"; line: string }
  | ({ kind: "model"; model: string } & ModelProgress)
  /** What a wait is waiting for, in a sentence. */
  | { kind: "await"; detail: string; waitedMs: number }
  | { kind: "drain"; inFlight: number }
>;

export type ApplyEvent = Readonly<
  | { kind: "started"; action: Action }
  | { kind: "progress"; action: Action; progress: Progress }
  | { kind: "finished"; action: Action; durationMs: number }
  | { kind: "failed"; action: Action; message: string }
  | { kind: "skipped"; action: Action; because: string }
>;

/** What became of one service. */
export type ServiceOutcome = Readonly<{
  service: string;
  /** `kept`: the change failed and the old container serves on. */
  outcome: "ready" | "unchanged" | "completed" | "removed" | "kept" | "failed" | "blocked";
  level?: Level | "completed";
  failure?: Failure;
}>;

export type ApplyReport = Readonly<{
  services: readonly ServiceOutcome[];
  /** What the user should know though nothing failed. */
  warnings: readonly string[];
  durationMs: number;
  /** True when the user interrupted: what was begun was finished, nothing new was started. */
  interrupted: boolean;
}>;
