/** What of the ancestor's gateway goes along beside its stack file: its tokens, and what it kept. Types only. */
import type { OldData } from "./old-data.ts";
import type { OldKey } from "./tokens.ts";

/** The old gateway, as far as its project's files tell. */
export type Ancestor = Readonly<{
  keys: readonly OldKey[];
  /** What it was told, by the names of its settings. */
  settings: ReadonlyMap<string, string>;
  data?: OldData;
  /** The folder of its settings. */
  config?: OldData;
}>;
