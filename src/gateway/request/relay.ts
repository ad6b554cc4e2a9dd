/** One attempt to have one upstream answer one request. A stream goes to the client as it comes; a small answer comes back whole. */
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { EventBoundary } from "./event-boundary.ts";
import { upstreamBroken, type Failure } from "../api/failure.ts";
import { clientHeaders, mediaType, streamHeaders, type Headers } from "../api/headers.ts";
import type { RelayOptions, RelayRequest } from "./relay-options.ts";
import { nameFailure, timeoutFailure, truncatedAnswer } from "./upstream-failure.ts";

/** How an attempt ended. */
export type Attempt = Readonly<
  /** Nothing was written: the answer is complete and the caller's to pass on or to try elsewhere. */
  | { kind: "answer"; status: number; headers: Headers; body: Buffer }
  /** The whole answer went to the client, in so many chunks from the first to the last. */
  | { kind: "streamed"; status: number; bytes: number; chunks: number; flowMs: number }
  /** Nothing was written, and there is nothing to write; `stale` means the connection was closed before the request reached anybody. */
  | { kind: "failed"; failure: Failure; connected: boolean; stale: boolean }
  /** The answer broke off; the client has been told as well as its protocol allows. */
  | { kind: "broken"; status: number; bytes: number; failure: Failure }
  | { kind: "cancelled"; streaming: boolean }
>;

/** A running attempt; `cancel` ends it at once in every phase, `breakOff` tells the client why first. */
export type RunningAttempt = Readonly<{
  result: Promise<Attempt>;
  cancel: () => void;
  breakOff: (failure: Failure) => void;
}>;

/** Starts an attempt. */
export function startAttempt(request: RelayRequest, options: RelayOptions): RunningAttempt {
  const { promise, resolve } = Promise.withResolvers<Attempt>();
  const relay = new Relay(options, resolve);
  relay.send(request);
  const breakOff = (failure: Failure) => relay.fail(failure);
  return { result: promise, cancel: () => relay.cancel(), breakOff };
}

/** Answers up to this size are held until they are complete, so that a broken one can still become an error. */
const heldBytes = 64 * 1024;

type Phase = "sending" | "holding" | "streaming" | "over";

class Relay implements Dispatcher.DispatchHandler {
  readonly #options: RelayOptions;
  readonly #settle: (attempt: Attempt) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #phase: Phase = "sending";
  #fresh = true;
  #status = 0;
  #headers: Headers = {};
  #length: string | undefined;
  #events: EventBoundary | undefined;
  #held: Buffer[] = [];
  #bytes = 0;
  #chunks = 0;
  #flowingSince = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RelayOptions, settle: (attempt: Attempt) => void) {
    this.#options = options;
    this.#settle = settle;
  }

  send({ method, path, headers, body }: RelayRequest): void {
    this.#watch(this.#options.limits.firstByteMs);
    const request = { method, path, headers, body };
    this.#options.backend.dispatch(request, this);
  }

  cancel(): void {
    const streaming = this.#phase === "streaming";
    if (this.#over({ kind: "cancelled", streaming })) this.#abort();
  }

  /** Ends the attempt for a reason of ours. */
  fail(failure: Failure): void {
    if (this.#phase === "over") return;
    this.#end(failure, { connected: true, stale: false });
    this.#abort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#fresh = this.#options.backend.startsOnFreshSocket();
    if (this.#phase === "over") this.#abort();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200 || this.#phase === "over") return;
    this.#status = status;
    this.#headers = clientHeaders(headers);
    this.#watch(this.#options.limits.idleMs);
    const { wholeUpTo, onAnswer } = this.#options;
    const holds = wholeUpTo === undefined ? this.#options.holds : () => true;
    if (!holds && isEventStream(headers)) this.#events = new EventBoundary();
    onAnswer?.(this.#events);
    this.#length = headers["content-length"];
    if ((holds ?? holdsWhatMayFail)(status, headers)) this.#phase = "holding";
    else this.#startStream();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === "over") return;
    this.#timer?.refresh();
    this.#bytes += chunk.length;
    if (this.#phase === "streaming") this.#pass(chunk);
    else this.#hold(chunk);
  }

  onResponseEnd(): void {
    if (this.#phase === "holding") {
      const body = Buffer.concat(this.#held);
      this.#over({ kind: "answer", status: this.#status, headers: this.#headers, body });
      return;
    }
    if (this.#phase !== "streaming") return;
    const rest = this.#shown(this.#events?.rest());
    if (rest) this.#options.sink.write(rest);
    this.#options.sink.end();
    const flowMs = performance.now() - this.#flowingSince;
    const [status, bytes, chunks] = [this.#status, this.#bytes, this.#chunks];
    this.#over({ kind: "streamed", status, bytes, chunks, flowMs });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#phase === "over") return;
    const connected = this.#controller !== undefined;
    const service = this.#options.backend.id;
    const begun = this.#phase !== "sending";
    const failure = begun ? truncatedAnswer(service) : nameFailure(service, error, connected);
    this.#end(failure, { connected, stale: connected && !begun && !this.#fresh });
  }

  #startStream(): void {
    const { sink, ownHeaders, backend } = this.#options;
    if (sink.headersSent && !this.#events) {
      return this.fail(upstreamBroken(backend.id, "answered with something that is no stream"));
    }
    this.#phase = "streaming";
    if (sink.headersSent) return;
    if (this.#events) Object.assign(this.#headers, streamHeaders);
    else if (this.#length !== undefined) this.#headers["content-length"] = this.#length;
    sink.writeHead(this.#status, { ...this.#headers, ...ownHeaders() });
    sink.flushHeaders();
  }

  #pass(chunk: Buffer): void {
    if (this.#chunks === 0) this.#begin();
    this.#chunks += 1;
    const passed = this.#events ? this.#shown(this.#events.push(chunk)) : chunk;
    if (!this.#events) this.#options.tap?.piece(chunk);
    if (passed === undefined || this.#options.sink.write(passed)) return;
    this.#controller?.pause();
    this.#watch(this.#options.limits.stallMs, () => this.#giveUpOnClient());
    this.#options.sink.once("drain", () => this.#resume());
  }

  #shown(events: Buffer | undefined): Buffer | undefined {
    const { tap } = this.#options;
    return events && tap ? tap.events(events) : events;
  }

  #begin(): void {
    this.#flowingSince = performance.now();
    this.#options.onFirstByte();
  }

  #resume(): void {
    if (this.#phase === "over") return;
    this.#watch(this.#options.limits.idleMs);
    this.#controller?.resume();
  }

  /** An error too long to be one is cut; an answer too long to hold becomes a stream. */
  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    const { wholeUpTo, backend } = this.#options;
    if (this.#bytes <= (wholeUpTo ?? heldBytes)) return;
    if (wholeUpTo !== undefined) {
      return this.fail(upstreamBroken(backend.id, "answered without an end"));
    }
    const body = Buffer.concat(this.#held);
    this.#held = [];
    if (this.#status >= 300) {
      this.#over({ kind: "answer", status: this.#status, headers: this.#headers, body });
      this.#abort();
      return;
    }
    this.#startStream();
    if (this.#phase === "streaming") this.#pass(body);
  }

  #watch(ms: number, expire = () => this.fail(timeoutFailure(this.#options.backend.id, ms))): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(expire, ms);
  }

  /** Who reads nothing for so long has gone, whatever the connection says. */
  #giveUpOnClient(): void {
    this.cancel();
    this.#options.sink.destroy();
  }

  #end(failure: Failure, state: Readonly<{ connected: boolean; stale: boolean }>): void {
    if (this.#phase !== "streaming") {
      this.#over({ kind: "failed", failure, ...state });
      return;
    }
    this.#options.onBroken(failure);
    this.#over({ kind: "broken", status: this.#status, bytes: this.#bytes, failure });
    const { sink, failureEvent } = this.#options;
    if (this.#events && !this.#events.isInside) sink.end(failureEvent(failure));
    else sink.destroy();
  }

  #over(attempt: Attempt): boolean {
    if (this.#phase === "over") return false;
    this.#phase = "over";
    clearTimeout(this.#timer);
    this.#settle(attempt);
    return true;
  }

  #abort(): void {
    this.#controller?.abort(new Error("the gateway has no more use for this answer"));
  }
}

function isEventStream(headers: IncomingHttpHeaders): boolean {
  return mediaType(headers) === "text/event-stream" && headers["content-encoding"] === undefined;
}

function holdsWhatMayFail(status: number, headers: IncomingHttpHeaders): boolean {
  return status >= 300 || mediaType(headers) === "application/json";
}
