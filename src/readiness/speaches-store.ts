/** Speaches' models (https://github.com/speaches-ai/speaches, src/speaches/routers/models.py). */
import { pause } from "./clock.ts";
import { ModelStoreError } from "./errors.ts";
import {
  askStore,
  complaint,
  inPath,
  listOpenAiModels,
  type ModelPull,
  type ModelStore,
  type StoreAdapter,
} from "./model-store.ts";
import type { PullWatch } from "./pull-watch.ts";

/** How often it is asked whether it is still there while it downloads, in milliseconds. */
const askAgainMs = 2_000;

/**
 * `POST /v1/models/{id}` answers when the download is over, 200 or 201, and tells nothing before: while it answers
 * other requests it is at work, because its Hugging Face client gives up a silent download by itself.
 */
export const speachesStore: StoreAdapter = {
  list: listOpenAiModels,
  fetch: pull,
  remove,
  isSame: (one, other) => one === other,
};

async function pull(order: ModelPull, watch: PullWatch): Promise<void> {
  const store = { ...order, signal: watch.signal };
  const over = new AbortController();
  const download = askStore(store, { method: "POST", path: pathOf(store) });
  watch.take({ status: "downloading" });
  const [answer] = await Promise.all([
    download.finally(() => over.abort()),
    keepLooking(store, watch, over.signal),
  ]);
  if (answer.status !== 200 && answer.status !== 201) watch.refuse(complaint(answer));
}

/** Silence is no failure yet: the pull is given up when it lasts. */
async function keepLooking(store: ModelStore, watch: PullWatch, over: AbortSignal): Promise<void> {
  for (;;) {
    await pause(watch.clock, askAgainMs, over);
    if (over.aborted) return;
    await listOpenAiModels({ ...store, signal: over }).then(
      () => watch.wind(),
      () => undefined,
    );
  }
}

async function remove(store: ModelStore, model: string): Promise<void> {
  const answer = await askStore(store, { method: "DELETE", path: pathOf({ ...store, model }) });
  if (answer.status === 200) return;
  throw new ModelStoreError(store.upstream.id, `remove the model ${model}`, complaint(answer));
}

function pathOf({ upstream, model }: Pick<ModelPull, "upstream" | "model">): string {
  return `${upstream.api_path}/models/${inPath(model)}`;
}
