/** ComfyUI's queue and history: one graph runs at a time, and what it made is kept. */
import { pngOf } from "../png.ts";
import { type Graph, outputOf, valueOf } from "./graph.ts";

type Job = Readonly<{ id: string; graph: Graph; number: number }>;

/** The queue; `imageMs` is the time an image takes, `error` lets every graph fail with that message. */
export class Queue {
  readonly #imageMs: number;
  readonly #error: string | undefined;
  #pending: readonly Job[] = [];
  #running: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  readonly #history = new Map<string, unknown>();
  readonly #images = new Map<string, Buffer>();

  constructor(imageMs: number, error: string | undefined) {
    this.#imageMs = imageMs;
    this.#error = error;
  }

  add(id: string, graph: Graph): void {
    this.#pending = [...this.#pending, { id, graph, number: this.#count++ }];
    this.#next();
  }

  remaining(): number {
    return this.#pending.length + (this.#running ? 1 : 0);
  }

  report(): unknown {
    const row = ({ id, graph, number }: Job) => [number, id, graph, {}, [outputOf(graph)]];
    const running = this.#running ? [row(this.#running)] : [];
    return { queue_running: running, queue_pending: this.#pending.map(row) };
  }

  /** Takes a job that waits out of the queue. */
  drop(id: string): void {
    this.#pending = this.#pending.filter((job) => job.id !== id);
  }

  /** Ends the job that runs, if it is that one. */
  interrupt(id: string | undefined): void {
    if (!this.#running || (id !== undefined && this.#running.id !== id)) return;
    clearTimeout(this.#timer);
    this.#end("error", {}, [["execution_interrupted", { prompt_id: this.#running.id }]]);
  }

  history(id?: string): Readonly<Record<string, unknown>> {
    if (id === undefined) return Object.fromEntries(this.#history);
    const entry = this.#history.get(id);
    return entry === undefined ? {} : { [id]: entry };
  }

  forget(id: string): void {
    this.#history.delete(id);
  }

  image(filename: string): Buffer | undefined {
    return this.#images.get(filename);
  }

  #next(): void {
    const [job, ...others] = this.#pending;
    if (this.#running || !job) return;
    this.#pending = others;
    this.#running = job;
    this.#timer = setTimeout(() => this.#finish(job), this.#imageMs);
  }

  #finish({ id, graph, number }: Job): void {
    if (this.#error !== undefined)
      return this.#end("error", {}, [["execution_error", this.#failureOf(id)]]);
    const filename = `ComfyUI_temp_${String(number).padStart(5, "0")}_.png`;
    const [width, height, seed] = ["width", "height", "seed"].map((name) =>
      Number(valueOf(graph, name)),
    );
    this.#images.set(filename, pngOf({ width: width ?? 0, height: height ?? 0, seed: seed ?? 0 }));
    const images = [{ filename, subfolder: "", type: "temp" }];
    this.#end("success", { [outputOf(graph) ?? ""]: { images } }, [
      ["execution_success", { prompt_id: id }],
    ]);
  }

  #failureOf(id: string): unknown {
    return {
      prompt_id: id,
      node_id: "sampler",
      node_type: "KSampler",
      executed: [],
      exception_message: this.#error,
      exception_type: "RuntimeError",
      traceback: ['  File "/root/ComfyUI/execution.py", line 510, in execute\n'],
    };
  }

  #end(outcome: "success" | "error", outputs: unknown, messages: readonly unknown[]): void {
    const job = this.#running;
    if (!job) return;
    const status = { status_str: outcome, completed: outcome === "success", messages };
    this.#history.set(job.id, {
      prompt: [job.number, job.id, job.graph, {}, []],
      outputs,
      status,
      meta: {},
    });
    this.#running = undefined;
    this.#next();
  }
}
