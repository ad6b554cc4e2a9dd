/** Connections to one upstream: they outlive a configuration that still names it, and are closed when nobody does. */
import type { Dispatcher } from "undici";
import Pool from "undici/lib/dispatcher/pool.js";
import { Gate, type Entry } from "../admission/gate.ts";
import { Hall } from "../admission/hall.ts";
import type { Upstream } from "../config.ts";
import { Health } from "./health.ts";
import { isContainerName, lookupContainer } from "./lookup.ts";
import { RetryBudget } from "./retry-budget.ts";
import type { GatewaySettings } from "../settings.ts";

type BackendSettings = Pick<GatewaySettings, "limits" | "queue">;

/** What identifies a backend: the same service at another address is another backend. */
export type Address = Pick<Upstream, "id" | "url" | "external">;

/** The connections to one upstream, its gate, and the count of what is in flight. */
export class Backend {
  readonly id: string;
  readonly origin: string;
  readonly gate: Gate;
  readonly health = new Health();
  readonly retries = new RetryBudget();
  readonly #pool: Dispatcher;
  readonly #onIdle: () => void;
  #inFlight = 0;
  #lastBegunAt = 0;
  #freshSocket = false;

  constructor(
    address: Address,
    settings: BackendSettings,
    around: Readonly<{ hall: Hall<Entry>; onIdle: () => void }>,
  ) {
    this.id = address.id;
    this.origin = originOf(address.url);
    this.gate = new Gate(around.hall);
    this.#onIdle = around.onIdle;
    this.#pool = openPool(address, settings.limits.connectMs);
    this.#pool.on("connect", () => this.#markFresh());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** When a client's request was counted last, in the process's own milliseconds. */
  get lastBegunAt(): number {
    return this.#lastBegunAt;
  }

  /** Sends a request; the handler hears of everything that happens to it, failures to connect included. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(options, handler);
  }

  /** Counts a client's request as in flight until the returned function is called. */
  begin(): () => void {
    this.#inFlight += 1;
    this.#lastBegunAt = performance.now();
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle();
    };
  }

  /** Whether the request that starts at this moment has a connection of its own, never used before. */
  startsOnFreshSocket(): boolean {
    const fresh = this.#freshSocket;
    this.#freshSocket = false;
    return fresh;
  }

  /** Lets what runs finish, then closes the connections. */
  async close(): Promise<void> {
    this.gate.share([]);
    await this.#pool.close();
  }

  /** Cuts everything. */
  async destroy(): Promise<void> {
    await this.#pool.destroy();
  }

  /** The pool starts the request in the same turn in which it announces the connection. */
  #markFresh(): void {
    this.#freshSocket = true;
    queueMicrotask(() => {
      this.#freshSocket = false;
    });
  }
}

/** Every backend in use, shared by the configurations and operations that name the same address. */
export class Backends {
  readonly #settings: BackendSettings;
  readonly #hall: Hall<Entry>;
  readonly #held = new Map<string, { backend: Backend; holders: number }>();
  readonly #idleListeners = new Set<() => void>();

  constructor(settings: BackendSettings) {
    this.#settings = settings;
    this.#hall = new Hall(settings.queue);
  }

  /** Opens a backend, or joins the one that is open; every call needs one `release`. */
  retain(address: Address): Backend {
    const name = nameOf(address);
    const held = this.#held.get(name) ?? this.#open(name, address);
    held.holders += 1;
    return held.backend;
  }

  /** Gives a backend up; with the last holder gone its connections close once they are idle. */
  release(address: Address): void {
    const name = nameOf(address);
    const held = this.#held.get(name);
    if (!held) return;
    held.holders -= 1;
    if (held.holders > 0) return;
    this.#closeWhenIdle(name);
  }

  /** Client requests in flight to a url, over every service that uses it. */
  inFlightAt(url: string): number {
    const origin = originOf(url);
    return this.#all()
      .filter((backend) => backend.origin === origin)
      .reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** The limits that several upstreams share at the moment. */
  get sharedLimits(): Hall<Entry>["sharedLimits"] {
    return this.#hall.sharedLimits;
  }

  get inFlight(): number {
    return this.#all().reduce((sum, backend) => sum + backend.inFlight, 0);
  }

  /** Calls back whenever some backend has nothing in flight any more; returns how to stop. */
  onIdle(listener: () => void): () => void {
    this.#idleListeners.add(listener);
    return () => this.#idleListeners.delete(listener);
  }

  /** Cuts every connection: the last thing before the process ends. */
  async destroy(): Promise<void> {
    await Promise.all(this.#all().map((backend) => backend.destroy()));
    this.#held.clear();
  }

  #all(): Backend[] {
    return [...this.#held.values()].map(({ backend }) => backend);
  }

  #open(name: string, address: Address) {
    const onIdle = () => {
      for (const listener of this.#idleListeners) listener();
      this.#closeWhenIdle(name);
    };
    const held = {
      backend: new Backend(address, this.#settings, { hall: this.#hall, onIdle }),
      holders: 0,
    };
    this.#held.set(name, held);
    return held;
  }

  #closeWhenIdle(name: string): void {
    const held = this.#held.get(name);
    if (!held || held.holders > 0 || held.backend.inFlight > 0) return;
    this.#held.delete(name);
    void held.backend.close();
  }
}

/** Two spellings of one address are one origin. */
function originOf(url: string): string {
  return new URL(url).origin;
}

function nameOf({ id, url }: Address): string {
  return `${id}@${originOf(url)}`;
}

/** Time limits are the relay's: undici's own would cut a model that loads. */
function openPool({ url, external }: Address, connectMs: number): Dispatcher {
  const isContainer = !external && isContainerName(new URL(url).hostname);
  const pool = new Pool(originOf(url), {
    allowH2: false,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
    connect: { timeout: connectMs, ...(isContainer && { lookup: lookupContainer }) },
  });
  return pool;
}
