/** Names of models: which mean the same, and which can be declared. Pure. */
import type { FoundModelStore } from "../inventory.ts";
import type { Choices } from "../migration-plan.ts";

/** `nomic-embed-text` and `nomic-embed-text:latest` are one model. */
export function isSameModel(left: string, right: string): boolean {
  const full = (name: string): string => (name.includes(":") ? name : `${name}:latest`);
  return full(left) === full(right);
}

/** Whether a store has a model, complete or not. */
export function holds(store: FoundModelStore, model: string): boolean {
  return store.models.some(({ name }) => isSameModel(name, model));
}

/** What of a store the stack gets: of models with lost parts none, unless everything is fetched anyway; a download can take days. */
export function offered(
  { models }: FoundModelStore,
  choices: Pick<Choices, "models">,
): FoundModelStore["models"] {
  return models.filter(({ complete }) => complete || choices.models === "pull");
}

/** Whether the stack gets this model of a store. */
export function isOffered(
  store: FoundModelStore,
  model: string,
  choices: Pick<Choices, "models">,
): boolean {
  return offered(store, choices).some(({ name }) => isSameModel(name, model));
}

/** Whether a stack file can declare a model of this name. */
export function isModelName(name: string): boolean {
  return /^[A-Za-z0-9][\w.:/@+-]*$/.test(name);
}
