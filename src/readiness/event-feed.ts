/** One stream of container events shared by many waits; nothing that happened since it opened is missed. */
import type { Containers, Engine, EngineEvent, ObservedContainer } from "../engine/engine.ts";
import { pause, systemClock, type Clock } from "./clock.ts";

/** The part of an engine that watching takes. */
export type WatchedEngine = Readonly<{
  describe(): Promise<unknown>;
  events: Engine["events"];
  containers: Pick<Containers, "inspect" | "logs">;
}>;

/** What a subscriber is told of its container. */
export type ContainerNews = Readonly<
  | { kind: "event"; event: EngineEvent }
  /** What `inspect` says, at subscription and whenever the engine came back from being away. */
  | { kind: "observed"; container: ObservedContainer | undefined; afterLoss: boolean }
  /** The engine stayed away: there will be no more news. */
  | { kind: "lost"; error: unknown }
>;

/** What a feed is opened with. */
export type EventFeedOptions = Readonly<{
  engine: WatchedEngine;
  stack: string;
  clock?: Clock;
  /** How long the engine may stay away before subscribers are told, in milliseconds; a minute by default. */
  patienceMs?: number;
}>;

/** Opens the stack's events. Open it before anything is started, and dispose of it when all waits are over. */
export function openEventFeed(options: EventFeedOptions): EventFeed {
  return new EventFeed(options);
}

/** Milliseconds between two tries to reach an engine that went away. */
const RETRY_MS = 250;
/** How many events are kept for later subscribers. */
const EVENTS_REMEMBERED = 5_000;

interface Subscriber {
  readonly id: string;
  readonly listener: (news: ContainerNews) => void;
  /** Events that wait for an inspection to be told first; undefined when none is under way. */
  queue: EngineEvent[] | undefined;
}

/** Container events of one stack, per container. */
export class EventFeed implements AsyncDisposable {
  readonly #engine: WatchedEngine;
  readonly #stack: string;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #subscribers = new Set<Subscriber>();
  readonly #closing = new AbortController();
  readonly #finished: Promise<void>;
  #past: EngineEvent[] = [];

  constructor({ engine, stack, clock = systemClock, patienceMs = 60_000 }: EventFeedOptions) {
    this.#engine = engine;
    this.#stack = stack;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#finished = this.#run();
  }

  /**
   * Tells `listener` first what the container is now, then every event since the feed opened, then each new one.
   * The function it returns ends that.
   */
  subscribe(id: string, listener: (news: ContainerNews) => void): () => void {
    const queue = this.#past.filter((event) => event.id === id);
    const subscriber: Subscriber = { id, listener, queue };
    this.#subscribers.add(subscriber);
    void this.#look(subscriber, false);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Ends the stream; nobody is told anything any more. */
  async close(): Promise<void> {
    this.#subscribers.clear();
    this.#closing.abort();
    await this.#finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let listening = this.#listen();
    for (;;) {
      await listening;
      if (signal.aborted) return;
      const gone = await this.#awaitEngine();
      if (signal.aborted) return;
      if (gone) return this.#tellAll({ kind: "lost", error: gone.error });
      listening = this.#listen();
      for (const subscriber of this.#subscribers) void this.#look(subscriber, true);
    }
  }

  /** Resolves when the stream ended, in whatever way: what it broke of is asked of the engine next. */
  async #listen(): Promise<void> {
    try {
      for await (const event of this.#engine.events(this.#stack, this.#closing.signal)) {
        if (event.type === "container") this.#take(event);
      }
    } catch {
      return;
    }
  }

  /** Resolves with undefined once the engine answers, or with its last failure when it stayed away too long. */
  async #awaitEngine(): Promise<{ readonly error: unknown } | undefined> {
    const { signal } = this.#closing;
    const deadline = this.#clock.now() + this.#patienceMs;
    for (;;) {
      await pause(this.#clock, RETRY_MS, signal);
      try {
        await this.#engine.describe();
        return undefined;
      } catch (error) {
        if (signal.aborted || this.#clock.now() >= deadline) return { error };
      }
    }
  }

  #take(event: EngineEvent): void {
    this.#past.push(event);
    if (this.#past.length > EVENTS_REMEMBERED) this.#past.shift();
    for (const subscriber of this.#subscribers) {
      if (subscriber.id !== event.id) continue;
      if (subscriber.queue) subscriber.queue.push(event);
      else subscriber.listener({ kind: "event", event });
    }
  }

  #tellAll(news: ContainerNews): void {
    for (const { listener } of this.#subscribers) listener(news);
  }

  /** Holds events back until the inspection is told, so that the order is the order of knowledge. */
  async #look(subscriber: Subscriber, afterLoss: boolean): Promise<void> {
    subscriber.queue ??= [];
    const news = await this.#inspect(subscriber.id, afterLoss);
    if (!this.#subscribers.has(subscriber)) return;
    const events = subscriber.queue ?? [];
    subscriber.queue = undefined;
    subscriber.listener(news);
    for (const event of events) subscriber.listener({ kind: "event", event });
  }

  async #inspect(id: string, afterLoss: boolean): Promise<ContainerNews> {
    try {
      return { kind: "observed", container: await this.#engine.containers.inspect(id), afterLoss };
    } catch {
      const gone = await this.#awaitEngine();
      return gone ? { kind: "lost", error: gone.error } : this.#inspectAgain(id);
    }
  }

  async #inspectAgain(id: string): Promise<ContainerNews> {
    try {
      const container = await this.#engine.containers.inspect(id);
      return { kind: "observed", container, afterLoss: true };
    } catch (error) {
      return { kind: "lost", error };
    }
  }
}
