/** What the scopes of a key mean, for everything that asks for one. */
import type { KeyRecord } from "../protocol.ts";

/** Whether a key may do what needs a scope; an admin key may also do what an inference key may. */
export function mayEnter({ scopes }: KeyRecord, scope: KeyRecord["scopes"][number]): boolean {
  return scopes.includes(scope) || scopes.includes("admin");
}

/** Whether a key may use a service as a whole: a list of models cannot be kept where the gateway reads no model. */
export function isUnlimited({ models }: KeyRecord): boolean {
  return models === undefined;
}
