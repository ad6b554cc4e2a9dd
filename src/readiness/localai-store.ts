/** LocalAI's models (https://localai.io/models): jobs install what its galleries have. */
import { pause, systemClock } from "./clock.ts";
import { ModelStoreError } from "./errors.ts";
import { isRecord } from "../stack/record.ts";
import {
  askStore,
  complaint,
  inPath,
  listOpenAiModels,
  type ModelPull,
  type ModelStore,
  parseJson,
  type StoreAdapter,
} from "./model-store.ts";
import type { PullWatch } from "./pull-watch.ts";

/** How often a job is asked how far it is, in milliseconds. */
const lookMs = 500;

/** How often the list is looked at after a removal, which is a job, too. */
const removalLooks = 20;

/** `POST /models/apply` with a gallery's name of the model, `GET /models/jobs/{uuid}` until it is processed. */
export const localaiStore: StoreAdapter = {
  list: listOpenAiModels,
  fetch: pull,
  remove,
  isSame: (one, other) => one === other,
};

async function pull(order: ModelPull, watch: PullWatch): Promise<void> {
  const store = { ...order, signal: watch.signal };
  const apply = { method: "POST", path: "/models/apply", body: { id: order.model } } as const;
  const answer = await askStore(store, apply);
  const job = answer.status === 200 ? jobIn(answer.text) : undefined;
  if (job === undefined) return watch.refuse(complaint(answer));
  for (;;) {
    const state = await askStore(store, { method: "GET", path: `/models/jobs/${job}` });
    if (isOver(state.text, watch)) return;
    await pause(watch.clock, lookMs, watch.signal);
    watch.signal.throwIfAborted();
  }
}

function jobIn(text: string): string | undefined {
  const document = parseJson(text);
  const uuid = isRecord(document) ? document["uuid"] : undefined;
  return typeof uuid === "string" && /^[\w-]+$/.test(uuid) ? uuid : undefined;
}

/** Tells the job's state; a job that is not known yet, while it is queued, is waited for. */
function isOver(text: string, watch: PullWatch): boolean {
  const job = parseJson(text);
  if (!isRecord(job) || typeof job["processed"] !== "boolean") return false;
  const { processed, cancelled, message, file_name: file } = job;
  const failure = failureOf(job);
  if (failure !== undefined) watch.refuse(failure);
  else if (cancelled === true) watch.refuse("it was cancelled there");
  const total = bytesIn(job["file_size"]);
  watch.take({
    status: `${wordOf(message) ?? "installing"}${percentOf(job["progress"])}`,
    ...(total > 0 && {
      digest: wordOf(file) ?? "model",
      total,
      completed: bytesIn(job["downloaded_size"]),
    }),
  });
  return processed || failure !== undefined;
}

/** Go's errors become `{}` in JSON; their words are in the message then. */
function failureOf({ error, message }: Readonly<Record<string, unknown>>): string | undefined {
  if (error === undefined || error === null || error === "") return undefined;
  return wordOf(error) ?? wordOf(message) ?? "the installation failed";
}

/** Part of the step, because some jobs tell nothing else that moves. */
function percentOf(progress: unknown): string {
  return typeof progress === "number" && progress > 0 ? ` ${Math.floor(progress)} %` : "";
}

function wordOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Sizes as LocalAI writes them, such as `1.2 GiB`; 0 for anything else. */
function bytesIn(value: unknown): number {
  const [, amount, unit = ""] = /^([\d.]+) ?([KMGT]?i?B)$/.exec(String(value)) ?? [];
  const scale = units.indexOf(unit);
  return scale < 0 ? 0 : Math.round(Number(amount) * 1024 ** scale);
}

async function remove(store: ModelStore, model: string): Promise<void> {
  const fail = (reason: string) =>
    new ModelStoreError(store.upstream.id, `remove the model ${model}`, reason);
  if (!(await has(store, model))) throw fail("it has no such model");
  const answer = await askStore(store, { method: "POST", path: `/models/delete/${inPath(model)}` });
  if (answer.status !== 200) throw fail(complaint(answer));
  const { signal } = store.signal ? { signal: store.signal } : new AbortController();
  for (let looks = 0; looks < removalLooks; looks++) {
    if (!(await has(store, model))) return;
    await pause(systemClock, lookMs, signal);
    signal.throwIfAborted();
  }
  throw fail("it lists the model still");
}

async function has(store: ModelStore, model: string): Promise<boolean> {
  return (await listOpenAiModels(store)).some(({ name }) => name === model);
}
