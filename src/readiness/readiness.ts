/** What is known of a service's readiness, and why it fails when it does. Types only. */
import type { ExitCode } from "../errors.ts";
import type { LogLine } from "../engine/engine.ts";
import type { Level } from "../stack/stack.ts";

/** Why a service is not at its level: one cause, told apart from all others. */
export type Cause = Readonly<
  | { kind: "crashed"; exitCode: number }
  | { kind: "crash-loop"; exitCode: number; restarts: number }
  | { kind: "out-of-memory"; limitBytes?: number }
  | { kind: "exited-early" }
  | { kind: "start-refused"; message: string }
  /** `detail` says what came of asking. */
  | { kind: "never-listened"; port: number; detail?: string }
  | { kind: "not-ready"; status?: number; detail: string }
  | { kind: "still-loading"; detail: string }
  | { kind: "unhealthy"; detail: string }
  /** `fetchable` where `nexus models pull` can fetch them; elsewhere the service itself loads them as it starts. */
  | { kind: "model-missing"; models: readonly string[]; detail: string; fetchable?: true }
  | { kind: "request-failed"; status: number; detail: string }
  | { kind: "gpu-missing"; detail: string }
  /** It was given a GPU and computes on the processor; `lost` when it had reached the GPU before. */
  | { kind: "gpu-unused"; detail: string; lost: boolean }
  | { kind: "blocked"; by: string }
  | { kind: "removed" }
  | { kind: "engine"; code: string; message: string; remedy: string; exit: ExitCode }
>;

/** A service that is not at its level, explained. */
export type Failure = Readonly<{
  service: string;
  cause: Cause;
  /** One sentence for people. */
  message: string;
  remedy: string;
  /** The container's last lines. */
  logs: readonly LogLine[];
}>;

/** What waiting for a service came to. */
export type Verdict = Readonly<
  { reached: true; level: Level | "completed" } | { reached: false; cause: Cause }
>;
