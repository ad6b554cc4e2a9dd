/** What has to be proven of a service, and with which of its models. Pure. */
import { provable } from "../config.ts";
import { proofs, type Provable } from "./proofs.ts";

const mostTried = 3;

/** The capabilities among these that a request is known for. */
export function provableAmong(provides: readonly string[]): readonly Provable[] {
  return provable.filter((capability) => provides.includes(capability));
}

/**
 * Those that the service's models are made for: one that provides embeddings beside chat and has no embedding model proves
 * chat. Where none seems to be, names are no guide and all have to be proven.
 */
export function capabilitiesToProve(
  provides: readonly string[],
  models: readonly string[],
): readonly Provable[] {
  const all = provableAmong(provides);
  if (models.length === 0) return all;
  const meant = all.filter((capability) => models.some((model) => isMadeFor(model, capability)));
  return meant.length === 0 ? all : meant;
}

/** Models to try for a capability, the likeliest first; one attempt without a model for software that has none. */
export function modelsToTry(
  capability: Provable,
  models: readonly string[],
): readonly (string | undefined)[] {
  const rank = (model: string): number => (isMadeFor(model, capability) ? 0 : 1);
  const ranked = models.toSorted((one, other) => rank(one) - rank(other));
  return ranked.length === 0 ? [undefined] : ranked.slice(0, mostTried);
}

/** By its name: a specialist for what it is made for, any other model for what needs none. */
function isMadeFor(model: string, capability: Provable): boolean {
  const { specialists } = proofs[capability];
  return specialists ? specialists.test(model) : !isSpecialist(model);
}

function isSpecialist(model: string): boolean {
  return provable.some((capability) => proofs[capability].specialists?.test(model) === true);
}
