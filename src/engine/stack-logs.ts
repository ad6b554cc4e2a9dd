/** The logs of several containers as one: what there is in the order of time, then what comes as it comes. */
import type { Engine, LogLine, LogOptions, ObservedContainer } from "./engine.ts";

/** A line, and whose it is. */
export type StackLogLine = LogLine &
  Readonly<{ service: string; container: string; timestamp: string }>;

/** What is read. */
export type StackLogOptions = Readonly<{
  stack: string;
  /** Whose containers are read, now and when following. */
  wants: (container: ObservedContainer) => boolean;
  /** Also what comes, of these containers, their restarts and their successors, until the signal aborts. */
  follow: boolean;
  tail?: number;
  since?: string;
  until?: string;
}>;

/** Reads the logs of a stack. Lines of one container keep their order; all are ordered by time. */
export async function* readStackLogs(
  engine: Engine,
  options: StackLogOptions,
  signal: AbortSignal,
): AsyncGenerator<StackLogLine> {
  const events = options.follow ? engine.events(options.stack, signal) : undefined;
  const { containers } = await engine.observe(options.stack, []);
  const wanted = containers.filter(options.wants);
  const last = new Map<string, string>();
  for await (const { id, line } of mergeByTime(
    wanted.map((each) => history(engine, each, options, signal)),
  )) {
    last.set(id, line.timestamp);
    yield line;
  }
  if (events !== undefined) yield* follow({ engine, options, events, last, signal }, wanted);
}

/** Says whether a container belongs to one of these services; Nexus's own helpers, of generation 0, never do. */
export function isOneOf(services: readonly string[]): (container: ObservedContainer) => boolean {
  return ({ identity }) =>
    identity !== undefined && identity.generation > 0 && services.includes(identity.service);
}

type Entry = Readonly<{ id: string; line: StackLogLine }>;

async function* history(
  engine: Engine,
  container: ObservedContainer,
  { tail, since, until }: StackLogOptions,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  const limits = {
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  yield* linesOf(engine, container, limits, signal);
}

async function* linesOf(
  engine: Engine,
  container: ObservedContainer,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Entry> {
  const service = container.identity?.service ?? container.name;
  const lines = engine.containers.logs(container.id, { ...options, timestamps: true }, signal);
  for await (const line of lines) {
    const timestamp = line.timestamp ?? "";
    yield { id: container.id, line: { ...line, timestamp, service, container: container.name } };
  }
}

/** Merges streams that are each in the order of time. */
async function* mergeByTime(streams: readonly AsyncGenerator<Entry>[]): AsyncGenerator<Entry> {
  const heads = await Promise.all(
    streams.map(async (stream) => ({ stream, head: await stream.next() })),
  );
  let open = heads.filter(({ head }) => head.done !== true);
  while (open.length > 0) {
    const first = open.reduce((best, each) =>
      timeOf(each.head) < timeOf(best.head) ? each : best,
    );
    if (first.head.done !== true) yield first.head.value;
    first.head = await first.stream.next();
    open = open.filter(({ head }) => head.done !== true);
  }
}

function timeOf(head: IteratorResult<Entry>): string {
  return head.done === true ? "" : head.value.line.timestamp;
}

type Following = Readonly<{
  engine: Engine;
  options: StackLogOptions;
  events: ReturnType<Engine["events"]>;
  /** The last moment already told, by container id. */
  last: Map<string, string>;
  signal: AbortSignal;
}>;

/** Lines as they come, of every container that runs or starts. */
async function* follow(
  following: Following,
  containers: readonly ObservedContainer[],
): AsyncGenerator<StackLogLine> {
  const { engine, options, events, signal } = following;
  const queue = new LineQueue(signal);
  const read = reader((container, from) => pour(following, { container, from }, queue));
  for (const container of containers) {
    if (container.state === "running") read(container, beginning(options));
  }
  const listen = async (): Promise<void> => {
    for await (const { type, action, id } of events) {
      if (type !== "container" || action !== "start") continue;
      const container = await engine.containers.inspect(id);
      if (container !== undefined && options.wants(container))
        read(container, { since: container.startedAt });
    }
  };
  void listen()
    .catch((error: unknown) => queue.fail(error))
    .then(() => queue.end());
  yield* queue.lines();
}

/** Where to go on in a log of which nothing was in the range that was told. */
function beginning({ since, tail }: StackLogOptions): LogOptions {
  return { ...(since === undefined ? {} : { since }), ...(tail === 0 ? { tail } : {}) };
}

type Read = (container: ObservedContainer, from: LogOptions) => void;

/** Reads each container once at a time; one that started anew meanwhile is read again when its old log has ended. */
function reader(pourAll: (container: ObservedContainer, from: LogOptions) => Promise<void>): Read {
  const reading = new Map<string, (() => void) | undefined>();
  const read: Read = (container, from) => {
    const { id } = container;
    if (reading.has(id)) {
      reading.set(id, () => {
        read(container, from);
      });
      return;
    }
    reading.set(id, undefined);
    void pourAll(container, from).finally(() => {
      const again = reading.get(id);
      reading.delete(id);
      again?.();
    });
  };
  return read;
}

/** Goes on after the last line that was told, else from where it is said. */
async function pour(
  { engine, last, signal }: Following,
  { container, from }: Readonly<{ container: ObservedContainer; from: LogOptions }>,
  queue: LineQueue,
): Promise<void> {
  const known = last.get(container.id);
  const range = known === undefined ? from : { since: justAfter(known) };
  try {
    for await (const { id, line } of linesOf(
      engine,
      container,
      { ...range, follow: true },
      signal,
    )) {
      last.set(id, line.timestamp);
      queue.push(line);
    }
  } catch (error) {
    if (await engine.containers.inspect(container.id).catch(() => undefined)) queue.fail(error);
  }
}

/** A moment as the engine takes it, one nanosecond on: `1735689600.000000001`. */
export function justAfter(timestamp: string): string {
  const [, fraction = ""] = /\.(\d+)/.exec(timestamp) ?? [];
  const nanos =
    BigInt(Date.parse(timestamp.replace(/\.\d+/, ""))) * 1_000_000n +
    BigInt(fraction.padEnd(9, "0").slice(0, 9)) +
    1n;
  return `${String(nanos / 1_000_000_000n)}.${String(nanos % 1_000_000_000n).padStart(9, "0")}`;
}

/** Lines of many writers for one reader. */
class LineQueue {
  readonly #signal: AbortSignal;
  readonly #lines: StackLogLine[] = [];
  #news = Promise.withResolvers<void>();
  #ended: "no" | "yes" | Readonly<{ error: unknown }> = "no";

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener(
      "abort",
      () => {
        this.end();
      },
      { once: true },
    );
  }

  push(line: StackLogLine): void {
    this.#lines.push(line);
    this.#news.resolve();
  }

  fail(error: unknown): void {
    if (this.#ended === "no" && !this.#signal.aborted) this.#ended = { error };
    this.#news.resolve();
  }

  end(): void {
    if (this.#ended === "no") this.#ended = "yes";
    this.#news.resolve();
  }

  async *lines(): AsyncGenerator<StackLogLine> {
    for (;;) {
      yield* this.#lines.splice(0);
      if (this.#lines.length > 0) continue;
      if (typeof this.#ended === "object") throw this.#ended.error;
      if (this.#ended === "yes") return;
      await this.#news.promise;
      this.#news = Promise.withResolvers<void>();
    }
  }
}
