/** Ollama's stream of pull progress, summed up. Pure. */

/** How far a pull is: bytes over all layers known so far. */
export type ModelProgress = Readonly<{
  status: string;
  completedBytes: number;
  totalBytes: number;
  bytesPerSecond: number;
  /** Milliseconds until everything known is there, at the speed of the last seconds; absent while that is not known. */
  remainingMs?: number;
}>;

/** One line of `POST /api/pull` (https://github.com/ollama/ollama/blob/main/docs/api.md#pull-a-model). */
export type PullLine = Readonly<{
  status?: string;
  digest?: string;
  total?: number;
  completed?: number;
  error?: string;
}>;

/** Undefined for a line that is none of Ollama's. */
export function parsePullLine(line: string): PullLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

type Layer = Readonly<{ total: number; completed: number }>;

/** Over how long the speed is averaged, in milliseconds. */
const WINDOW_MS = 3_000;

/** Adds lines up. Bytes that were there before the first line of a layer do not count as speed. */
export class PullMeter {
  readonly #now: () => number;
  readonly #layers = new Map<string, Layer>();
  #samples: readonly Readonly<{ at: number; bytes: number }>[] = [];
  #fetched = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The progress after this line. */
  take(line: PullLine): ModelProgress {
    if (line.digest !== undefined) this.#takeLayer(line.digest, line);
    const layers = [...this.#layers.values()];
    const completedBytes = sum(layers.map(({ completed }) => completed));
    const totalBytes = sum(layers.map(({ total }) => total));
    const bytesPerSecond = this.#speed();
    const rest = totalBytes - completedBytes;
    const isKnown = bytesPerSecond > 0 && rest > 0;
    return {
      status: line.status ?? "",
      completedBytes,
      totalBytes,
      bytesPerSecond,
      ...(isKnown && { remainingMs: Math.round((rest / bytesPerSecond) * 1_000) }),
    };
  }

  #takeLayer(digest: string, { total = 0, completed = 0 }: PullLine): void {
    const before = this.#layers.get(digest);
    if (before) this.#fetched += Math.max(0, completed - before.completed);
    this.#layers.set(digest, { total, completed });
  }

  #speed(): number {
    const at = this.#now();
    const recent = this.#samples.filter((sample) => at - sample.at <= WINDOW_MS);
    this.#samples = [...recent, { at, bytes: this.#fetched }];
    const first = this.#samples[0];
    if (!first || at === first.at) return 0;
    return Math.round(((this.#fetched - first.bytes) * 1_000) / (at - first.at));
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
