/** What one subject adds to an inventory; the whole is all of them together. Pure. */
import type { Inventory } from "../inventory.ts";
import type { Reading } from "../reading.ts";

/** The lists of an inventory. */
type Lists = Omit<Inventory, "kind" | "hosts" | "gateway" | "routing">;

/** What one subject found. */
export type Part = Partial<Lists>;

/** All parts as one, in their order. */
export function together(parts: readonly Part[]): Lists {
  return {
    services: parts.flatMap(({ services = [] }) => services),
    tokens: parts.flatMap(({ tokens = [] }) => tokens),
    users: parts.flatMap(({ users = [] }) => users),
    aliases: parts.flatMap(({ aliases = [] }) => aliases),
    databases: parts.flatMap(({ databases = [] }) => databases),
    files: parts.flatMap(({ files = [] }) => files),
    models: parts.flatMap(({ models = [] }) => models),
    urls: parts.flatMap(({ urls = [] }) => urls),
    notUnderstood: parts.flatMap(({ notUnderstood = [] }) => notUnderstood),
    warnings: parts.flatMap(({ warnings = [] }) => warnings),
  };
}

/** A reading of a file that may not be there: what is found where it is, and what of it was not understood as a part. */
export function partOf(reading: Reading<unknown> | undefined): Part {
  return reading ? { notUnderstood: reading.notUnderstood } : {};
}
