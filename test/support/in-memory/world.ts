/** What an engine in memory has, and what happens to it. */
import { setMaxListeners } from "node:events";
import type {
  ContainerRequest,
  ContainerState,
  EngineEvent,
  LogLine,
  ObservedImage,
  ObservedVolume,
} from "../../../src/engine/engine.ts";
import type { Limits, RestartPolicy } from "../../../src/stack/stack.ts";

/** Files of a container or volume, by absolute path. */
export type Files = Map<string, string>;

/** What a process inside a container does with its stdin. */
export type ProcessResult = Readonly<{ stdout?: string; stderr?: string; exitCode?: number }>;

/** How containers of a request behave; everything is optional, and nothing means that they stay up. */
export type Behaviour = Readonly<{
  /** Thrown by `start`. */
  startError?: Error;
  /** Ends by itself so long after the start. */
  exit?: Readonly<{ code: number; afterMs?: number; oomKilled?: boolean }>;
  /** Ignores being asked to stop. */
  ignoresStop?: boolean;
  /** Lines written at the start. */
  output?: readonly Omit<LogLine, "timestamp">[];
  /** Answers a process started inside. */
  exec?: (command: readonly string[], stdin: string, files: Files) => ProcessResult;
}>;

/** A container as memory holds it. */
export type Held = {
  readonly id: string;
  readonly request: ContainerRequest;
  readonly imageId: string;
  readonly behaviour: Behaviour;
  /** Network id to aliases. */
  readonly networks: Map<string, readonly string[]>;
  readonly files: Files;
  readonly log: LogLine[];
  readonly createdAt: string;
  state: ContainerState;
  exitCode: number;
  oomKilled: boolean;
  error: string;
  startedAt: string;
  finishedAt: string;
  restart: RestartPolicy;
  limits: Limits;
  end?: NodeJS.Timeout;
};

/** A network as memory holds it. */
export type HeldNetwork = Readonly<{ id: string; name: string; stack: string; internal: boolean }>;

/** A call as it was made: `containers.create home-llm-1`. */
export type RecordedCall = Readonly<{ call: string; writes: boolean }>;

/** Everything an engine in memory knows. */
export class World {
  readonly containers = new Map<string, Held>();
  readonly networks = new Map<string, HeldNetwork>();
  readonly volumes = new Map<string, ObservedVolume & { readonly files: Files }>();
  readonly images = new Map<
    string,
    ObservedImage & { readonly labels: Readonly<Record<string, string>> }
  >();
  /** References that a pull finds. */
  readonly registry = new Set<string>();
  readonly calls: RecordedCall[] = [];
  readonly #events: (EngineEvent & { readonly stack: string })[] = [];
  readonly #changed = new EventTarget();
  #lastId = 0;
  #lastNano = 0n;

  constructor() {
    setMaxListeners(0, this.#changed);
  }

  /** A fresh id of the form engines use. */
  nextId(): string {
    this.#lastId += 1;
    return this.#lastId.toString(16).padStart(64, "0");
  }

  record(call: string, { writes }: Readonly<{ writes: boolean }>): void {
    this.calls.push({ call, writes });
  }

  /** Tells whoever watches this container's stack. */
  announce(held: Held, action: string, exitCode?: number): void {
    const { name, identity } = held.request;
    this.#events.push({
      stack: identity.stack,
      type: "container",
      action,
      id: held.id,
      name,
      attributes: { name },
      ...(exitCode === undefined ? {} : { exitCode }),
      timeNano: this.#tick(),
    });
    this.notify();
  }

  #tick(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n;
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1n;
    return this.#lastNano;
  }

  /** Wakes those who wait for a change. */
  notify(): void {
    this.#changed.dispatchEvent(new Event("change"));
  }

  /** Resolves at the next change, or when `signal` aborts. */
  async change(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    this.#changed.addEventListener("change", done, { once: true });
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted !== true) await promise;
    this.#changed.removeEventListener("change", done);
    signal?.removeEventListener("abort", done);
  }

  /** Events of a stack from now on. */
  events(stack: string, signal: AbortSignal): AsyncIterable<EngineEvent> {
    return this.#eventsFrom(this.#events.length, stack, signal);
  }

  async *#eventsFrom(
    start: number,
    stack: string,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent> {
    let next = start;
    while (!signal.aborted) {
      const event = this.#events[next];
      if (event === undefined) await this.change(signal);
      else next += 1;
      if (event?.stack === stack) yield event;
    }
  }
}
