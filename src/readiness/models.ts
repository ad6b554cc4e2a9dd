/** Models in a service's store: pulled, listed and removed through the gateway, whatever API the store speaks. */
import type { StoreKind } from "../stack/stack.ts";
import { localaiStore } from "./localai-store.ts";
import type { ModelPull, ModelStore, StoreAdapter, StoredModel } from "./model-store.ts";
import { ollamaStore } from "./ollama-store.ts";
import { PullWatch } from "./pull-watch.ts";
import { speachesStore } from "./speaches-store.ts";

const adapters: Readonly<Record<StoreKind, StoreAdapter>> = {
  ollama: ollamaStore,
  speaches: speachesStore,
  localai: localaiStore,
};

/**
 * Sees to it that the model is there, fetching it only when it is not. Throws ModelPullError with the store's own
 * words when it cannot be fetched or makes no progress, ModelRoomError when the disk has no room for it, and
 * ModelStoreError when the store does not answer.
 */
export async function pullModel(pull: ModelPull): Promise<"present" | "pulled"> {
  const adapter = adapters[pull.kind];
  const isThere = async () =>
    (await adapter.list(pull)).some(({ name }) => adapter.isSame(name, pull.model));
  if (await isThere()) return "present";
  const watch = new PullWatch(pull, adapter);
  await watch.over(async () => {
    await adapter.fetch(pull, watch);
    if (!(await isThere())) watch.refuse("it says that it has it, and does not list it");
  });
  return "pulled";
}

/** All models in the store. Throws ModelStoreError when it does not answer with a list. */
export function listModels(store: ModelStore): Promise<readonly StoredModel[]> {
  return adapters[store.kind].list(store);
}

/** Removes a model. Throws ModelStoreError when the store does not have it or refuses. */
export function removeModel(store: ModelStore & Readonly<{ model: string }>): Promise<void> {
  return adapters[store.kind].remove(store, store.model);
}

/** Whether two names mean the same model of such a store; of software without a store they are compared as they are. */
export function isSameModel(one: string, other: string, kind: StoreKind | "none"): boolean {
  return kind === "none" ? one === other : adapters[kind].isSame(one, other);
}
