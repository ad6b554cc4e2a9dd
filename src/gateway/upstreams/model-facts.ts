/** What is known of models beyond their names: what they can do, and how much fits. */
import type { Upstream } from "../config.ts";
import { isRecord, parseJson } from "../json.ts";
import { ask } from "./ask.ts";
import type { Backend } from "./backend.ts";
import type { Metadata } from "./metadata-schema.ts";
import type { Model } from "./model-list.ts";

/** Facts about one model; `contextLength` is in tokens, and undefined when nobody says. */
export type ModelFacts = Readonly<{
  capabilities: readonly string[];
  contextLength: number | undefined;
}>;

type Learned = Partial<ModelFacts>;

const askTimeoutMs = 5_000;
/** Kinds of work that are a service's and not a model's. */
const ofServices = new Set(["tool", "ui"]);

/** Facts that an upstream tells of each model only when it is asked: Ollama does, at `POST /api/show`. */
export class ModelFactBook {
  readonly #upstream: Upstream;
  readonly #backend: Backend;
  #learned: ReadonlyMap<string, Learned> = new Map();
  #learning = false;

  constructor(upstream: Upstream, backend: Backend) {
    this.#upstream = upstream;
    this.#backend = backend;
  }

  /** Asks about the models it knows nothing of, one after the other, and forgets those that are gone. */
  async learn(models: readonly Model[]): Promise<void> {
    if (this.#upstream.probe.models !== "ollama" || this.#learning) return;
    this.#learning = true;
    const kept = models.map(editionOf).map((name) => [name, this.#learned.get(name)] as const);
    this.#learned = new Map(kept.flatMap(([name, facts]) => (facts ? [[name, facts]] : [])));
    for (const model of models) {
      if (this.#learned.has(editionOf(model))) continue;
      const facts = await askOllama(this.#backend, model.id);
      // Somebody who does not answer now is asked again after the next look.
      if (!facts) break;
      this.#learned = new Map([...this.#learned, [editionOf(model), facts]]);
    }
    this.#learning = false;
  }

  /** What is known of a model by now, from itself, its listing, its service's metadata and the stack. */
  factsOf(model: Model, metadata: Metadata | undefined): ModelFacts {
    const learned = this.#learned.get(editionOf(model)) ?? {};
    return {
      capabilities:
        learned.capabilities ??
        wordsIn(model.details["capabilities"]) ??
        this.#upstream.provides.filter((one) => !ofServices.has(one)),
      contextLength:
        learned.contextLength ??
        listedLength(model.details) ??
        metadata?.capabilities?.context_length,
    };
  }
}

/** A model pulled anew under its old name is another one. */
function editionOf({ id, details }: Model): string {
  return `${id}@${String(details["created"])}`;
}

/** `POST /api/show` as Ollama's API documentation describes it; undefined when there is no answer. */
async function askOllama(backend: Backend, model: string): Promise<Learned | undefined> {
  const body = JSON.stringify({ model });
  const answer = await ask(backend, "/api/show", { timeoutMs: askTimeoutMs, body });
  if (answer.kind === "none") return undefined;
  const document = parseJson(answer.body);
  if (answer.status !== 200 || !isRecord(document)) return {};
  const { model_info: info, capabilities } = document;
  const length = isRecord(info)
    ? wholeNumber(info[`${String(info["general.architecture"])}.context_length`])
    : undefined;
  const words = wordsIn(capabilities)?.flatMap((word) =>
    word === "completion" ? ["chat", "completion"] : [word],
  );
  return { ...(words && { capabilities: words }), ...(length && { contextLength: length }) };
}

/** vLLM says `max_model_len`, llama.cpp `meta.n_ctx_train`, others one of the names between. */
function listedLength(details: Model["details"]): number | undefined {
  const { max_model_len, context_length, context_window, max_context_length, meta } = details;
  const trained = isRecord(meta) ? meta["n_ctx_train"] : undefined;
  return [max_model_len, context_length, context_window, max_context_length, trained]
    .map(wholeNumber)
    .find((length) => length !== undefined);
}

function wholeNumber(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : undefined;
}

function wordsIn(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((word): word is string => typeof word === "string");
}
