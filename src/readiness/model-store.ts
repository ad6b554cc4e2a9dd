/** What software that keeps models has to offer for Nexus to fetch, list and remove them through it. */
import { isRecord } from "../stack/record.ts";
import type { Upstream } from "../gateway/config.ts";
import type { StoreKind } from "../stack/stack.ts";
import type { Clock } from "./clock.ts";
import type { DiskBook } from "./disk-book.ts";
import { ModelStoreError } from "./errors.ts";
import type { GatewayLink } from "./gateway-link.ts";
import type { ModelProgress } from "./pull-progress.ts";
import type { PullWatch } from "./pull-watch.ts";
import { askUpstream, type UpstreamRequest, type WholeAnswer } from "./upstream-request.ts";

/** A model that is there; what the store does not tell is left out. */
export type StoredModel = Readonly<{
  name: string;
  sizeBytes?: number;
  /** ISO 8601. */
  modifiedAt?: string;
}>;

/** Where the models are: a service that runs, and the way to it. */
export type ModelStore = Readonly<{
  kind: StoreKind;
  link: GatewayLink;
  upstream: Upstream;
  signal?: AbortSignal;
}>;

/** A model to fetch. */
export type ModelPull = ModelStore &
  Readonly<{
    model: string;
    onProgress?: (progress: ModelProgress) => void;
    /** Milliseconds without a new byte or step after which the pull is given up. */
    stallTimeoutMs: number;
    /** Models that stay, whatever room is missing. */
    declared?: readonly string[];
    /** Where room is claimed; absent for a store whose models do not lie on the engine's own disk. */
    disk?: DiskBook;
    clock?: Clock;
  }>;

/** How one kind of store is spoken to. */
export type StoreAdapter = Readonly<{
  /** Throws ModelStoreError when it does not answer with a list. */
  list: (store: ModelStore) => Promise<readonly StoredModel[]>;
  /** Resolves once the store says that it has the model; tells the watch everything else. */
  fetch: (pull: ModelPull, watch: PullWatch) => Promise<void>;
  /** Throws ModelStoreError when it does not have the model or refuses. */
  remove: (store: ModelStore, model: string) => Promise<void>;
  /** Whether two names mean the same model. */
  isSame: (one: string, other: string) => boolean;
}>;

/** Asks the store something and waits for the whole answer. */
export async function askStore(
  { link, upstream, signal }: Omit<ModelStore, "kind">,
  request: Pick<UpstreamRequest, "method" | "path" | "body">,
): Promise<WholeAnswer> {
  return askUpstream({ ...request, link, upstream, ...(signal ? { signal } : {}) });
}

/** The models of `GET /v1/models`, as OpenAI's API reference has it; sizes are not part of it. */
export async function listOpenAiModels(store: ModelStore): Promise<readonly StoredModel[]> {
  const path = `${store.upstream.api_path}/models`;
  const { status, text } = await askStore(store, { method: "GET", path });
  const models = status === 200 ? readOpenAiModels(parseJson(text)) : undefined;
  if (models) return models;
  throw new ModelStoreError(store.upstream.id, "list its models", complaint({ status, text }));
}

function readOpenAiModels(document: unknown): readonly StoredModel[] | undefined {
  const items = isRecord(document) ? document["data"] : undefined;
  if (!Array.isArray(items)) return undefined;
  return items.filter(isRecord).flatMap(({ id, created }) => {
    if (typeof id !== "string") return [];
    const known = typeof created === "number" && created > 0;
    return [{ name: id, ...(known && { modifiedAt: new Date(created * 1_000).toISOString() }) }];
  });
}

/** The store's own words where it has some: `error` as a text or an object, FastAPI's `detail`, or a plain text. */
export function complaint({ status, text }: WholeAnswer): string {
  const document = parseJson(text);
  const { error, detail } = isRecord(document) ? document : {};
  const words = [error, isRecord(error) ? error["message"] : undefined, detail];
  const said = words.find((word) => typeof word === "string" && word !== "");
  return typeof said === "string" ? said : `it answered with status ${status}`;
}

/** A model's name as a part of a path, its slashes kept. */
export function inPath(model: string): string {
  return model.split("/").map(encodeURIComponent).join("/");
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
