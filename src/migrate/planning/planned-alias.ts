/** A name of the gateway while it is planned. */
import type { Place } from "../reading.ts";

/** An alias as the stack file is to have it. */
export type PlannedAlias = Readonly<{
  name: string;
  /** Service and model that it leads to. */
  service: string;
  model: string;
  at?: Place;
  /** Further keys beside `to`. */
  more: Readonly<Record<string, unknown>>;
}>;

/** What a name of an alias may be made of. */
export const aliasName = /^[\w.:-]+$/;
