/** LocalAI's gallery: jobs that install models into a folder, and tell how far they are. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How the gallery is. */
type Manner = Readonly<{
  /** Models it has. */
  known: readonly string[];
  /** Where what is installed lies. */
  directory: string;
  installMs: number;
  /** It says that a model is installed, and it is not there. */
  forgets: boolean;
}>;

type Job = Readonly<{ model: string; since: number; failed: boolean }>;

/** The gallery and what was installed from it. */
export class Gallery {
  /** Models in memory. */
  readonly loaded = new Set<string>();
  readonly #manner: Manner;
  readonly #jobs = new Map<string, Job>();

  constructor(manner: Manner) {
    this.#manner = manner;
    mkdirSync(manner.directory, { recursive: true });
  }

  /** Starts a job. */
  install(model: string): string {
    const uuid = randomUUID();
    const name = model.split("@").at(-1) ?? model;
    const failed = !this.#manner.known.includes(name);
    this.#jobs.set(uuid, { model: name, since: performance.now(), failed });
    return uuid;
  }

  /** How far a job is, as `GET /models/jobs/{uuid}` tells it. */
  job(uuid: string): unknown {
    const job = this.#jobs.get(uuid);
    if (!job) return undefined;
    if (job.failed)
      return stateOf(job, {
        message: `error: no model found with name "${job.model}"`,
        error: {},
        processed: true,
      });
    const part = Math.min(1, (performance.now() - job.since) / Math.max(1, this.#manner.installMs));
    if (part < 1)
      return stateOf(job, {
        message: "processing",
        progress: part * 100,
        downloaded_size: `${(1500 * part).toFixed(1)} MiB`,
      });
    if (!this.#manner.forgets) writeFileSync(this.#fileOf(job.model), "");
    return stateOf(job, {
      message: "completed",
      progress: 100,
      processed: true,
      downloaded_size: "1500.0 MiB",
    });
  }

  models(): readonly string[] {
    return readdirSync(this.#manner.directory)
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => file.slice(0, -".yaml".length));
  }

  remove(model: string): void {
    this.loaded.delete(model);
    rmSync(this.#fileOf(model), { force: true });
  }

  #fileOf(model: string): string {
    return join(this.#manner.directory, `${model}.yaml`);
  }
}

function stateOf({ model }: Job, state: object): unknown {
  return {
    deletion: false,
    file_name: `${model}.gguf`,
    error: null,
    processed: false,
    progress: 0,
    file_size: "1500.0 MiB",
    downloaded_size: "",
    gallery_element_name: model,
    ...state,
  };
}
