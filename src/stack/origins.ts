/** Where every value of the effective stack came from. Pure. */
import type { Path } from "./problem.ts";
import type { Readings } from "./resolve.ts";

/** One value of the effective stack: `from` is `nexus.yaml:12`, `template ollama`, `default` or `environment PORT`. */
export type Origin = Readonly<{ path: string; steps: Path; value: unknown; from: string }>;

/** Every value of the effective stack with its origin, in the order of the stack file. */
export function traceOrigins(_readings: Readings): readonly Origin[] {
  return [];
}
