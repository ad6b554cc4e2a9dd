/** Ollama's models (https://docs.ollama.com/api): it resumes an interrupted pull by itself. */
import { ModelStoreError } from "./errors.ts";
import { LineSplitter } from "./lines.ts";
import { isRecord } from "../stack/record.ts";
import {
  askStore,
  complaint,
  type ModelPull,
  type ModelStore,
  parseJson,
  type StoreAdapter,
  type StoredModel,
} from "./model-store.ts";
import { parsePullLine } from "./pull-progress.ts";
import type { PullWatch } from "./pull-watch.ts";
import { requestUpstream } from "./upstream-request.ts";

/** `GET /api/tags`, `POST /api/pull`, `DELETE /api/delete`; a name without a tag means its tag `latest`. */
export const ollamaStore: StoreAdapter = {
  list,
  fetch: pull,
  remove,
  isSame: (one, other) => withTag(one) === withTag(other),
};

async function list(store: ModelStore): Promise<readonly StoredModel[]> {
  const answer = await askStore(store, { method: "GET", path: "/api/tags" });
  const models = answer.status === 200 ? readTags(parseJson(answer.text)) : undefined;
  if (models) return models;
  throw new ModelStoreError(store.upstream.id, "list its models", complaint(answer));
}

async function pull({ link, upstream, model }: ModelPull, watch: PullWatch): Promise<void> {
  let succeeded = false;
  const lines = new LineSplitter((text) => {
    const line = parsePullLine(text);
    if (!line) return;
    if (line.error !== undefined) watch.refuse(line.error);
    if (line.status === "success") succeeded = true;
    watch.take(line);
  });
  const status = await requestUpstream({
    link,
    upstream,
    method: "POST",
    path: "/api/pull",
    body: { model, stream: true },
    onText: (text) => lines.push(text),
    signal: watch.signal,
  });
  lines.end();
  if (status !== 200) watch.refuse(`it answered with status ${status}`);
  if (!succeeded) watch.refuse("the download broke off before it was complete");
}

async function remove(store: ModelStore, model: string): Promise<void> {
  const answer = await askStore(store, { method: "DELETE", path: "/api/delete", body: { model } });
  if (answer.status === 200) return;
  throw new ModelStoreError(store.upstream.id, `remove the model ${model}`, complaint(answer));
}

function readTags(document: unknown): readonly StoredModel[] | undefined {
  const items = isRecord(document) ? document["models"] : undefined;
  if (items === null) return [];
  if (!Array.isArray(items)) return undefined;
  return items.filter(isRecord).flatMap(({ name, size, modified_at: modifiedAt }) => {
    if (typeof name !== "string") return [];
    return [
      {
        name,
        ...(typeof size === "number" && { sizeBytes: size }),
        ...(typeof modifiedAt === "string" && { modifiedAt }),
      },
    ];
  });
}

function withTag(model: string): string {
  const lastPart = model.slice(model.lastIndexOf("/") + 1);
  return lastPart.includes(":") ? model : `${model}:latest`;
}
