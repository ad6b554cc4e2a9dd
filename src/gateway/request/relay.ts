/** One attempt to have one upstream answer one request. A stream goes to the client as it comes; a small answer comes back whole. */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Backend } from "../upstreams/backend.ts";
import { EventBoundary } from "./event-boundary.ts";
import type { Failure } from "../api/failure.ts";
import { clientHeaders, mediaType, type Headers } from "../api/headers.ts";
import type { RelayLimits } from "../settings.ts";
import type { UsageTap } from "../usage/usage-tap.ts";
import { nameFailure, timeoutFailure, truncatedAnswer } from "./upstream-failure.ts";

/** Where a streamed answer goes: a ServerResponse, or anything that behaves like one. */
export type Sink = {
  writeHead(status: number, headers: Headers): unknown;
  flushHeaders(): void;
  write(chunk: Buffer | string): boolean;
  end(chunk?: string): unknown;
  destroy(): unknown;
  once(event: "drain", listener: () => void): unknown;
};

/** A request as an upstream gets it. */
export type RelayRequest = Readonly<{
  method: string;
  path: string;
  headers: Headers;
  /** Null for a request without a body. */
  body: Buffer | Readable | null;
}>;

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

/** Everything an attempt needs beside the request. */
export type RelayOptions = Readonly<{
  backend: Backend;
  limits: RelayLimits;
  sink: Sink;
  /** What is held until it is complete, so that the caller may still answer something else: by default every small answer. */
  holds?: (status: number, headers: IncomingHttpHeaders) => boolean;
  /** Sees what passes, and may keep an event from the client. */
  tap?: UsageTap;
  /** Headers of the gateway's own, added to a streamed answer. */
  ownHeaders: () => Headers;
  /** Told once, when the first byte of a streamed answer's body is about to go out. */
  onFirstByte: () => void;
  /** The event that ends a broken stream, in the words of the client's API. */
  failureEvent: (failure: Failure) => string;
  /** Told when a streamed answer breaks off, before the client can see its end. */
  onBroken: (failure: Failure) => void;
}>;

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
    this.#watch(this.#options.limits.headersMs);
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
    const { holds } = this.#options;
    if (!holds && isEventStream(headers)) this.#events = new EventBoundary();
    if ((holds ?? holdsWhatMayFail)(status, headers)) this.#phase = "holding";
    else this.#startStream(headers["content-length"]);
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

  #startStream(length: string | undefined): void {
    const { sink, ownHeaders } = this.#options;
    this.#phase = "streaming";
    if (this.#events) {
      this.#headers["cache-control"] = "no-cache";
      this.#headers["x-accel-buffering"] = "no";
    } else if (length !== undefined) {
      this.#headers["content-length"] = length;
    }
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
    this.#watch(this.#options.limits.stallMs);
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
    if (this.#bytes <= heldBytes) return;
    const body = Buffer.concat(this.#held);
    this.#held = [];
    if (this.#status >= 300) {
      this.#over({ kind: "answer", status: this.#status, headers: this.#headers, body });
      this.#abort();
      return;
    }
    this.#startStream(undefined);
    this.#pass(body);
  }

  #watch(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.fail(timeoutFailure(this.#options.backend.id, ms));
    }, ms);
  }

  #end(failure: Failure, state: Readonly<{ connected: boolean; stale: boolean }>): void {
    if (this.#phase !== "streaming") {
      this.#over({ kind: "failed", failure, ...state });
      return;
    }
    this.#options.onBroken(failure);
    this.#over({ kind: "broken", status: this.#status, bytes: this.#bytes, failure });
    if (this.#events) this.#options.sink.end(this.#options.failureEvent(failure));
    else this.#options.sink.destroy();
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
