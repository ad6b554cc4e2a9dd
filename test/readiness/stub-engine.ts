/** As much of an engine as watching needs, moved by hand. */
import type { EngineEvent, LogLine, ObservedContainer } from "../../src/engine/engine.ts";
import type { WatchedEngine } from "../../src/readiness/event-feed.ts";

/** A running container; `change` says what is different. */
export function container(change: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: "c1",
    name: "home-a-1",
    image: "a:1",
    imageId: "sha256:1",
    state: "running",
    exitCode: 0,
    oomKilled: false,
    error: "",
    startedAt: "1970-01-01T00:00:10Z",
    finishedAt: "",
    restartCount: 0,
    restart: { name: "no" },
    limits: { pids: 4096, memoryBytes: 256 * 1024 ** 2 },
    networks: [],
    volumes: [],
    ports: [],
    security: {
      readOnly: false,
      privileged: false,
      noNewPrivileges: true,
      capAdd: [],
      capDrop: ["ALL"],
      user: "",
    },
    ...change,
  };
}

/** An event of that container, later than its start. */
export function event(action: string, change: Partial<EngineEvent> = {}): EngineEvent {
  return {
    type: "container",
    action,
    id: "c1",
    name: "home-a-1",
    attributes: {},
    timeNano: 20_000_000_000n,
    ...change,
  };
}

/** A `die` with that exit code. */
export function die(exitCode: number, change: Partial<EngineEvent> = {}): EngineEvent {
  return event("die", { exitCode, ...change });
}

class EventQueue {
  readonly #events: EngineEvent[] = [];
  #isCut = false;
  #arrival = Promise.withResolvers<void>();

  push(news: EngineEvent): void {
    this.#events.push(news);
    this.#arrival.resolve();
  }

  cut(): void {
    this.#isCut = true;
    this.#arrival.resolve();
  }

  async next(): Promise<EngineEvent | undefined> {
    if (this.#events.length === 0 && !this.#isCut) await this.#arrival.promise;
    this.#arrival = Promise.withResolvers<void>();
    return this.#events.shift();
  }
}

export class StubEngine implements WatchedEngine {
  container: ObservedContainer | undefined = container();
  logLines: readonly LogLine[] = [];
  /** Set while the engine is away: every call fails with it. */
  away: Error | undefined;
  /** How often the engine was asked for its events. */
  streams = 0;
  readonly #queues = new Set<EventQueue>();

  async describe(): Promise<void> {
    if (this.away) throw this.away;
  }

  readonly containers = {
    inspect: async (): Promise<ObservedContainer | undefined> => {
      if (this.away) throw this.away;
      return this.container;
    },
    logs: (): AsyncIterable<LogLine> => this.#logs(),
  };

  async *events(_stack: string, signal: AbortSignal): AsyncIterable<EngineEvent> {
    this.streams += 1;
    if (this.away) throw this.away;
    const queue = new EventQueue();
    this.#queues.add(queue);
    signal.addEventListener("abort", () => queue.cut(), { once: true });
    for (let next = await queue.next(); next; next = await queue.next()) yield next;
    this.#queues.delete(queue);
  }

  /** Tells an event to everybody who listens. */
  emit(...events: readonly EngineEvent[]): void {
    for (const queue of this.#queues) for (const news of events) queue.push(news);
  }

  /** Goes away: streams end and calls fail. */
  leave(error: Error): void {
    this.away = error;
    for (const queue of this.#queues) queue.cut();
  }

  async *#logs(): AsyncIterable<LogLine> {
    yield* this.logLines;
  }
}
