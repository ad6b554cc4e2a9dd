/** ComfyUI's own interface (server.py of https://github.com/Comfy-Org/ComfyUI): a graph goes into a queue, its images come from files. */
import { randomUUID } from "node:crypto";
import { ApiError, isObject } from "./http.ts";
import { poll } from "./polling.ts";
import type { Settings } from "./settings.ts";
import type { Job, Model, Upstream } from "./upstream.ts";
import { failed, Refusal, UpstreamHttp, withoutPaths } from "./upstream-http.ts";
import { fillWorkflow, readWorkflow, type Workflow } from "./workflow.ts";

type Entry = Record<string, unknown>;

/** How long cancelling may take, in milliseconds. */
const cancelMs = 5_000;

/** ComfyUI as an upstream. */
export class ComfyUi implements Upstream {
  readonly title = "ComfyUI";
  readonly advice =
    "put a checkpoint into models/checkpoints of its volume, or install one in its interface";
  readonly #http: UpstreamHttp;
  readonly #workflow: Workflow;
  readonly #client = randomUUID();

  constructor({ upstreamUrl, workflowFile }: Settings) {
    this.#http = new UpstreamHttp(upstreamUrl, this.title);
    this.#workflow = readWorkflow(workflowFile ?? "comfyui.json");
  }

  async models(signal: AbortSignal): Promise<Model[]> {
    const { items } = await this.#ask({ path: "/models/checkpoints" }, signal);
    const names = Array.isArray(items) ? items.filter((name) => typeof name === "string") : [];
    return names.map((id) => ({ id, aliases: [stem(id)], side: sideOf(id) }));
  }

  async generate(job: Job, signal: AbortSignal): Promise<Buffer> {
    const id = await this.#enqueue(job, signal);
    try {
      const entry = await poll(() => this.#finished(id, signal), signal);
      return await this.#http.bytes(`/view?${imageIn(entry)}`, signal);
    } catch (error) {
      if (signal.aborted) await this.#cancel(id);
      throw error;
    } finally {
      await this.#quietly({ path: "/history", body: { delete: [id] } });
    }
  }

  async #enqueue(job: Job, signal: AbortSignal): Promise<string> {
    const prompt = fillWorkflow(this.#workflow, {
      model: job.model.id,
      prompt: job.prompt,
      negative_prompt: job.negativePrompt,
      width: job.width,
      height: job.height,
      seed: job.seed,
      steps: job.steps,
      cfg_scale: job.cfgScale,
    });
    const body = { prompt, client_id: this.#client };
    const { prompt_id: id } = await this.#ask({ path: "/prompt", body }, signal);
    if (typeof id === "string") return id;
    throw new ApiError(502, "ComfyUI took the graph without giving it an id.", failed);
  }

  /** The job's entry in the history; undefined while it is in the queue. */
  async #finished(id: string, signal: AbortSignal): Promise<Entry | undefined> {
    const before = await this.#entry(id, signal);
    if (before !== undefined) return before;
    const queue = await this.#ask({ path: "/queue" }, signal);
    if (isQueued(queue, id)) return undefined;
    // It may have been finished between the two questions.
    const after = await this.#entry(id, signal);
    if (after !== undefined) return after;
    throw new ApiError(502, "ComfyUI lost the job; it may have been restarted.", failed);
  }

  async #entry(id: string, signal: AbortSignal): Promise<Entry | undefined> {
    const entry = (await this.#ask({ path: `/history/${encodeURIComponent(id)}` }, signal))[id];
    return isObject(entry) ? entry : undefined;
  }

  /** Takes the job out of the queue; only if it is the one that runs, what runs is interrupted. */
  async #cancel(id: string): Promise<void> {
    const queue = await this.#quietly({ path: "/queue" });
    const runs = isQueued({ queue_running: queue["queue_running"] }, id);
    await this.#quietly(
      runs
        ? { path: "/interrupt", body: { prompt_id: id } }
        : { path: "/queue", body: { delete: [id] } },
    );
  }

  async #ask(request: { path: string; body?: unknown }, signal: AbortSignal): Promise<Entry> {
    try {
      return await this.#http.json(request, signal);
    } catch (error) {
      if (error instanceof Refusal) throw explained(error);
      throw error;
    }
  }

  /** Tidying up: nobody waits for it, and nobody can do anything when it fails. */
  async #quietly(request: { path: string; body?: unknown }): Promise<Entry> {
    return await this.#http.json(request, AbortSignal.timeout(cancelMs)).catch(() => ({}));
  }
}

/** Checkpoints of Stable Diffusion 1 are made for 512 pixels, and their files mostly say so. */
function sideOf(checkpoint: string): number {
  return /(?:^|[^a-z])sd[-_ ]?v?1|v1[-_.]?[45]|sd15/i.test(checkpoint) ? 512 : 1024;
}

function stem(file: string): string {
  return file.replace(/\.\w+$/, "");
}

function isQueued(queue: Entry, id: string): boolean {
  const rows = [queue["queue_running"], queue["queue_pending"]].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  return rows.some((row: unknown) => Array.isArray(row) && row[1] === id);
}

/** The query that names the first image of a finished job. */
function imageIn(entry: Entry): string {
  const status = isObject(entry["status"]) ? entry["status"] : {};
  if (status["status_str"] === "error") throw failureIn(status["messages"]);
  const outputs = Object.values(isObject(entry["outputs"]) ? entry["outputs"] : {});
  const images = outputs.flatMap((output) =>
    isObject(output) && Array.isArray(output["images"]) ? output["images"].filter(isObject) : [],
  );
  const [image] = images;
  if (!image) throw new ApiError(502, "ComfyUI's graph made no image.", failed);
  const { filename, subfolder = "", type = "output" } = image;
  return new URLSearchParams({
    filename: String(filename),
    subfolder: String(subfolder),
    type: String(type),
  }).toString();
}

/** The node that failed and its message, from the events of the job. */
function failureIn(messages: unknown): ApiError {
  const events = Array.isArray(messages) ? messages.filter((event) => Array.isArray(event)) : [];
  const data: unknown = events.find(([name]) => name === "execution_error")?.[1];
  if (!isObject(data)) return new ApiError(502, "The job was interrupted in ComfyUI.", failed);
  const { node_type: node, exception_message: message } = data;
  return new ApiError(502, `ComfyUI: ${String(node)}: ${withoutPaths(String(message))}`, failed);
}

/** What ComfyUI has against a graph: its own message, and the first complaint of a node. */
function explained({ status, document }: Refusal): ApiError {
  const { error, node_errors: nodes } = isObject(document) ? document : {};
  const message = isObject(error) ? error["message"] : error;
  const node = isObject(nodes) ? Object.values(nodes).find(isObject) : undefined;
  const complaints: unknown = node?.["errors"];
  const first: unknown = Array.isArray(complaints) ? complaints[0] : undefined;
  const detail =
    node && isObject(first) ? ` ${String(node["class_type"])}: ${String(first["message"])}.` : "";
  const said = `${typeof message === "string" ? message : `it answered with status ${status}`}.`;
  return new ApiError(502, withoutPaths(`ComfyUI refused the graph: ${said}${detail}`), failed);
}
