/** Comments in a stream that is silent: they keep clients and proxies from giving up while a model loads or a queue moves. */
import type { Exchange } from "../api/exchange.ts";
import type { Headers } from "../api/headers.ts";
import type { EventBoundary } from "./event-boundary.ts";

/** Every parser of event streams skips it. */
const comment = ": nexus waiting\n\n";
/** A beat comes after one tick before the answer has begun, and after two silent ones later. */
const ticksPerBeat = 3;

/** How often a stream is given a sign of life, and which headers it has when it must begin before anybody answered. */
type HeartbeatOptions = Readonly<{ everyMs: number; headers: () => Headers }>;

/**
 * The heart-beat of one request. After a third of the interval without an answer it begins the stream itself, and from then
 * on a failure can only be an event. Asks the socket what went out, so that a chunk of a stream costs nothing more.
 */
export class Heartbeat {
  readonly #exchange: Exchange;
  readonly #headers: () => Headers;
  readonly #timer: NodeJS.Timeout;
  #events: EventBoundary | undefined;
  #mute = false;
  #silentTicks = 0;
  #written = 0;

  constructor(exchange: Exchange, { everyMs, headers }: HeartbeatOptions) {
    this.#exchange = exchange;
    this.#headers = headers;
    this.#timer = setInterval(() => this.#tick(), everyMs / ticksPerBeat);
  }

  /** Nobody answers at the moment: the next upstream is yet to be asked. */
  wait(): void {
    this.#mute = false;
    this.#events = undefined;
  }

  /** An upstream answers: with events, between which there is room for a beat, or with something that has none. */
  follow(events: EventBoundary | undefined): void {
    this.#mute = events === undefined;
    this.#events = events;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    if (this.#mute) return;
    const { response } = this.#exchange;
    if (!response.headersSent) {
      this.#exchange.beginEvents(this.#headers());
      response.write(comment);
    } else if (this.#isDue()) response.write(comment);
  }

  #isDue(): boolean {
    const { response } = this.#exchange;
    const written = response.socket?.bytesWritten ?? 0;
    this.#silentTicks = written === this.#written ? this.#silentTicks + 1 : 0;
    this.#written = written;
    if (this.#silentTicks < ticksPerBeat - 1 || this.#events?.isInside) return false;
    this.#silentTicks = 0;
    return !response.writableEnded && !response.writableNeedDrain;
  }
}
