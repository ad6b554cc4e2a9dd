/** InvokeAI's own interface (v6.13.8 of https://github.com/invoke-ai/InvokeAI): a graph goes into a queue, its session tells the image's name. */
import { ApiError, isObject } from "./http.ts";
import { poll } from "./polling.ts";
import type { Settings } from "./settings.ts";
import type { Job, Model, Upstream } from "./upstream.ts";
import { failed, full, Refusal, UpstreamHttp, withoutPaths } from "./upstream-http.ts";
import { fillWorkflow, readWorkflow, type Workflow } from "./workflow.ts";

type Item = Record<string, unknown>;

/** A model as InvokeAI's nodes want it named. */
type Named = Model & { identifier: Record<string, unknown> };

const queue = "/api/v1/queue/default";

/** How long cancelling may take, in milliseconds. */
const cancelMs = 5_000;

/** InvokeAI as an upstream. */
export class InvokeAi implements Upstream {
  readonly title = "InvokeAI";
  readonly advice = "install a model of Stable Diffusion or SDXL in its interface";
  readonly #http: UpstreamHttp;
  /** Graphs by the base of the models they are for; one of one's own is for all. */
  readonly #workflows: ReadonlyMap<string, Workflow>;
  readonly #own: Workflow | undefined;

  constructor({ upstreamUrl, workflowFile }: Settings) {
    this.#http = new UpstreamHttp(upstreamUrl, this.title);
    const [early, xl] = ["invokeai-sd.json", "invokeai-sdxl.json"].map(readWorkflow);
    this.#workflows = new Map(
      Object.entries({ "sd-1": early, "sd-2": early, sdxl: xl }) as [string, Workflow][],
    );
    this.#own = workflowFile === undefined ? undefined : readWorkflow(workflowFile);
  }

  async models(signal: AbortSignal): Promise<Named[]> {
    const { models } = await this.#ask({ path: "/api/v2/models/?model_type=main" }, signal);
    const found = Array.isArray(models) ? models.filter(isObject) : [];
    return found.filter((model) => this.#workflowFor(model["base"])).map(named);
  }

  async generate(job: Job, signal: AbortSignal): Promise<Buffer> {
    const item = await this.#enqueue(job, signal);
    try {
      const done = await poll(() => this.#finished(item, signal), signal);
      const path = `/api/v1/images/i/${encodeURIComponent(imageIn(done))}`;
      const image = await this.#http.bytes(`${path}/full`, signal);
      await this.#quietly({ method: "DELETE", path });
      return image;
    } catch (error) {
      if (signal.aborted) await this.#quietly({ method: "PUT", path: `${queue}/i/${item}/cancel` });
      throw error;
    }
  }

  async #enqueue(job: Job, signal: AbortSignal): Promise<number> {
    const { identifier } = job.model as Named;
    const graph = fillWorkflow(this.#workflowFor(identifier["base"]) ?? {}, {
      model: identifier,
      prompt: job.prompt,
      negative_prompt: job.negativePrompt,
      width: job.width,
      height: job.height,
      seed: job.seed,
      steps: job.steps,
      cfg_scale: Math.max(1, job.cfgScale),
    });
    const body = { batch: { graph, runs: 1, origin: "nexus" }, prepend: false };
    const answer = await this.#ask({ path: `${queue}/enqueue_batch`, body }, signal);
    const ids: unknown = answer["item_ids"];
    const id: unknown = Array.isArray(ids) ? ids[0] : undefined;
    if (typeof id === "number") return id;
    throw new ApiError(429, "InvokeAI's queue is full.", full);
  }

  /** The queue's item when it is over; undefined while it waits or runs. */
  async #finished(id: number, signal: AbortSignal): Promise<Item | undefined> {
    const item = await this.#ask({ path: `${queue}/i/${id}` }, signal);
    const { status, error_type: type, error_message: message } = item;
    if (status === "completed") return item;
    if (status === "canceled")
      throw new ApiError(502, "The job was cancelled in InvokeAI.", failed);
    if (status !== "failed") return undefined;
    const said = withoutPaths([type, message].filter(Boolean).join(": "));
    throw new ApiError(502, `InvokeAI: ${said || "the job failed"}`, failed);
  }

  #workflowFor(base: unknown): Workflow | undefined {
    return this.#own ?? this.#workflows.get(String(base));
  }

  async #ask(request: { path: string; body?: unknown }, signal: AbortSignal): Promise<Item> {
    try {
      return await this.#http.json(request, signal);
    } catch (error) {
      if (error instanceof Refusal) throw explained(error);
      throw error;
    }
  }

  /** Tidying up: nobody waits for it, and nobody can do anything when it fails. */
  async #quietly(request: { method: string; path: string }): Promise<void> {
    await this.#http.json(request, AbortSignal.timeout(cancelMs)).catch(() => undefined);
  }
}

function named(model: Record<string, unknown>): Named {
  const { key, hash, name, base, type } = model;
  return {
    id: String(name),
    aliases: [String(key)],
    side: base === "sd-1" || base === "sd-2" ? 512 : 1024,
    identifier: { key, hash, name, base, type },
  };
}

/** The name of the image that the session made: of its node `image` where there is one, else of any. */
function imageIn(item: Item): string {
  const session = isObject(item["session"]) ? item["session"] : {};
  const results = isObject(session["results"]) ? session["results"] : {};
  const mapping = isObject(session["source_prepared_mapping"])
    ? session["source_prepared_mapping"]
    : {};
  const own: unknown[] = Array.isArray(mapping["image"]) ? mapping["image"] : [];
  const outputs = [...own.map((id) => results[String(id)]), ...Object.values(results)];
  for (const output of outputs.filter(isObject)) {
    const { image } = output;
    if (isObject(image) && typeof image["image_name"] === "string") return image["image_name"];
  }
  throw new ApiError(502, "InvokeAI's graph made no image.", failed);
}

/** What InvokeAI has against a request: FastAPI's `detail`, a sentence or a list of complaints. */
function explained({ status, document }: Refusal): ApiError {
  const detail = isObject(document) ? document["detail"] : undefined;
  const first: unknown = Array.isArray(detail) ? detail[0] : undefined;
  const said = isObject(first) ? first["msg"] : detail;
  const message = typeof said === "string" ? said : `it answered with status ${status}`;
  return new ApiError(502, withoutPaths(`InvokeAI refused the graph: ${message}`), failed);
}
