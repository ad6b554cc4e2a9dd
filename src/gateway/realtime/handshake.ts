/** Asks an upstream to switch to a WebSocket: a connection to it, its answer, or why there is neither. */
import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { clientHeaders, type Headers } from "../api/headers.ts";
import type { Failure } from "../api/failure.ts";
import { nameFailure, timeoutFailure } from "../request/upstream-failure.ts";
import type { Backend } from "../upstreams/backend.ts";

/** How a handshake ended. */
export type Handshake = Readonly<
  | { kind: "switched"; headers: Headers; socket: Duplex }
  /** The upstream answered, and did not switch. */
  | { kind: "answer"; status: number; headers: Headers; body: Buffer }
  | { kind: "failed"; failure: Failure }
  | { kind: "cancelled" }
>;

/** Starts a handshake; `cancel` ends it at once in every phase. */
export function startHandshake(
  backend: Backend,
  request: Readonly<{ path: string; headers: Headers }>,
  timeoutMs: number,
): Readonly<{ result: Promise<Handshake>; cancel: () => void }> {
  const { promise, resolve } = Promise.withResolvers<Handshake>();
  const asking = new Asking(backend.id, resolve);
  const timer = setTimeout(() => {
    asking.end({ kind: "failed", failure: timeoutFailure(backend.id, timeoutMs) });
  }, timeoutMs);
  backend.dispatch({ ...request, method: "GET", upgrade: "websocket" }, asking);
  const result = promise.finally(() => clearTimeout(timer));
  return { result, cancel: () => asking.end({ kind: "cancelled" }) };
}

const longestAnswer = 64 * 1024;

class Asking implements Dispatcher.DispatchHandler {
  readonly #service: string;
  readonly #settle: (handshake: Handshake) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;
  #status = 0;
  #headers: Headers = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(service: string, settle: (handshake: Handshake) => void) {
    this.#service = service;
    this.#settle = settle;
  }

  /** Ends the handshake for a reason of ours. */
  end(handshake: Handshake): void {
    if (this.#conclude(handshake)) this.#abort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) this.#abort();
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    _status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    const switched = { kind: "switched", headers: clientHeaders(headers), socket } as const;
    if (!this.#conclude(switched)) socket.destroy();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    this.#headers = clientHeaders(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes > longestAnswer) this.end(this.#answer());
  }

  onResponseEnd(): void {
    this.#conclude(this.#answer());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const failure = nameFailure(this.#service, error, this.#controller !== undefined);
    this.#conclude({ kind: "failed", failure });
  }

  #answer(): Handshake {
    const body = Buffer.concat(this.#chunks).subarray(0, longestAnswer);
    return { kind: "answer", status: this.#status, headers: this.#headers, body };
  }

  #conclude(handshake: Handshake): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#settle(handshake);
    return true;
  }

  #abort(): void {
    this.#controller?.abort(new Error("the gateway has no more use for this connection"));
  }
}
