/** A service of the old installation in its place. Types only. */
import type { FoundService } from "../inventory.ts";
import type { PlannedService } from "../migration-plan.ts";

/** A service with the keys that the stack file is to have for it. */
export type Placed = Readonly<{
  /** Undefined for a companion that the old installation had not. */
  found?: FoundService;
  planned: PlannedService;
  keys: Readonly<Record<string, unknown>>;
  /** What stands above it in the stack file. */
  comment?: string;
  /** Where the others find it; undefined for what is left out. */
  url?: string;
}>;
