/** InvokeAI's session queue: items that wait, run and end, and the images that they made. */
import { randomUUID } from "node:crypto";
import { pngOf } from "../png.ts";
import { type Graph, valueOf } from "./graph.ts";

type Status = "pending" | "in_progress" | "completed" | "failed" | "canceled";
type Item = Readonly<{
  id: number;
  graph: Graph;
  status: Status;
  imageName?: string;
  error?: string;
}>;

/** How long an image takes, with which message every session fails, and how many items there may be at once. */
type Manner = Readonly<{ imageMs: number; error: string | undefined; limit: number }>;

/** The queue `default`. */
export class Sessions {
  readonly #manner: Manner;
  readonly #items = new Map<number, Item>();
  readonly #images = new Map<string, Buffer>();
  #timer: NodeJS.Timeout | undefined;

  constructor(manner: Manner) {
    this.#manner = manner;
  }

  /** Ids of what was taken: none when the queue is full. */
  add(graph: Graph): readonly number[] {
    const open = [...this.#items.values()].filter(({ status }) => isOpen(status));
    if (open.length >= this.#manner.limit) return [];
    const id = this.#items.size + 1;
    this.#items.set(id, { id, graph, status: "pending" });
    this.#next();
    return [id];
  }

  /** An item as the API tells it. */
  item(id: number): unknown {
    const item = this.#items.get(id);
    if (!item) return undefined;
    const { status, graph, imageName, error } = item;
    const prepared = "prepared-image";
    const results = imageName
      ? {
          [prepared]: {
            type: "image_output",
            image: { image_name: imageName },
            width: valueOf(graph, "width"),
            height: valueOf(graph, "height"),
          },
        }
      : {};
    return {
      item_id: id,
      status,
      batch_id: `batch-${id}`,
      queue_id: "default",
      session_id: `session-${id}`,
      session: {
        id: `session-${id}`,
        graph,
        results,
        errors: {},
        source_prepared_mapping: imageName ? { image: [prepared] } : {},
      },
      ...(error === undefined
        ? {}
        : {
            error_type: "OutOfMemoryError",
            error_message: error,
            error_traceback: "Traceback (most recent call last)",
          }),
    };
  }

  cancel(id: number): unknown {
    const item = this.#items.get(id);
    if (item && isOpen(item.status)) {
      if (item.status === "in_progress") clearTimeout(this.#timer);
      this.#items.set(id, { ...item, status: "canceled" });
      this.#next();
    }
    return this.item(id);
  }

  status(): Readonly<Record<string, number>> {
    const count = (wanted: Status): number =>
      [...this.#items.values()].filter(({ status }) => status === wanted).length;
    return {
      pending: count("pending"),
      in_progress: count("in_progress"),
      completed: count("completed"),
      failed: count("failed"),
      canceled: count("canceled"),
      total: this.#items.size,
    };
  }

  image(name: string): Buffer | undefined {
    return this.#images.get(name);
  }

  deleteImage(name: string): boolean {
    return this.#images.delete(name);
  }

  #next(): void {
    const items = [...this.#items.values()];
    const next = items.find(({ status }) => status === "pending");
    if (!next || items.some(({ status }) => status === "in_progress")) return;
    this.#items.set(next.id, { ...next, status: "in_progress" });
    this.#timer = setTimeout(() => this.#finish(next), this.#manner.imageMs);
  }

  #finish(item: Item): void {
    const { error } = this.#manner;
    if (error === undefined) {
      const imageName = `${randomUUID()}.png`;
      const [width, height, seed] = ["width", "height", "seed"].map((name) =>
        Number(valueOf(item.graph, name)),
      );
      this.#images.set(
        imageName,
        pngOf({ width: width ?? 0, height: height ?? 0, seed: seed ?? 0 }),
      );
      this.#items.set(item.id, { ...item, status: "completed", imageName });
    } else this.#items.set(item.id, { ...item, status: "failed", error });
    this.#next();
  }
}

function isOpen(status: Status): boolean {
  return status === "pending" || status === "in_progress";
}
