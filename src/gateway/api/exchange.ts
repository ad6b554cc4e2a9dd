/** One request and its answer: their id, their end, and the one line the log gets of them. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { App } from "../app.ts";
import { Stopwatch } from "../metrics/stopwatch.ts";
import { lingerOver } from "../request/body.ts";
import { dialectOf, type Dialect } from "./dialect.ts";
import { failureHeaders, type Failure } from "./failure.ts";
import { reportExchange, spanAttributes } from "./exchange-report.ts";
import { streamHeaders, upstreamHeaders, type Headers } from "./headers.ts";
import type { RequestSpan } from "../telemetry/otlp.ts";
import { validTraceparent } from "../telemetry/telemetry.ts";
import type { UsageTap } from "../usage/usage-tap.ts";

const saneRequestId = /^[\w.-]{1,128}$/;

/** A client's request under way. */
export class Exchange {
  readonly id: string;
  readonly endpoint: string;
  /** How this client is told of failures. */
  readonly dialect: Dialect;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #app: App;
  readonly stopwatch = new Stopwatch();
  /** How long it waited for slots, in milliseconds. */
  queuedMs = 0;
  /** Facts for the log line and the answer's headers; set by the parts that learn them. */
  readonly facts: {
    key?: string;
    upstream?: string;
    model?: string;
    reason?: string;
    stream?: true;
    attempts?: number;
  } = {};
  /** Sees the answer of the upstream that was asked last. */
  tap: UsageTap | undefined;
  /** Name of the key that pays for it; undefined for what costs nothing. */
  payer: string | undefined;
  /** Tell a client with limits how much is left of them. */
  limitHeaders: Headers | undefined;
  readonly #span: RequestSpan | undefined;
  #onLeave: (() => void) | undefined;
  #onCut: ((failure: Failure) => void) | undefined;
  #left = false;
  #heldBytes = 0;
  #begun = false;
  #handedOver = false;
  #failure: Failure | undefined;
  #ownMs: number | undefined;

  constructor(app: App, endpoint: string, io: readonly [IncomingMessage, ServerResponse]) {
    this.#app = app;
    this.endpoint = endpoint;
    [this.request, this.response] = io;
    const asked = String(this.request.headers["x-request-id"] ?? "");
    this.id = saneRequestId.test(asked) ? asked : `req_${randomUUID().replaceAll("-", "")}`;
    this.dialect = dialectOf(endpoint, this.request.headers);
    this.#span = app.telemetry.begin(`${this.request.method} ${endpoint}`, this.#askedTrace);
    if (app.isDraining()) this.response.setHeader("connection", "close");
    this.response.once("close", () => this.#close());
    this.request.socket.once("end", this.#onClientEnd);
    app.exchanges.add(this);
  }

  /** Whether the client has gone. */
  get left(): boolean {
    return this.#left;
  }

  /** Whether there is nobody to answer, or nothing left to say. */
  get over(): boolean {
    return this.#left || this.response.writableEnded;
  }

  /** Whether an event stream was begun before anybody had answered. */
  get begun(): boolean {
    return this.#begun;
  }

  get seconds(): number {
    return this.stopwatch.elapsedMs / 1000;
  }

  get query(): URLSearchParams {
    return new URLSearchParams((this.request.url ?? "").split("?", 2)[1]);
  }

  /** What to do at the moment the client goes away, or now if it has gone; replaces what was to be done before. */
  onLeave(leave: (() => void) | undefined): void {
    this.#onLeave = leave;
    if (this.#left) leave?.();
  }

  /** How to end the answer early with a reason; without one, an unanswered request is answered with the reason. */
  onCut(cut: ((failure: Failure) => void) | undefined): void {
    this.#onCut = cut;
  }

  /** Ends the exchange for a reason of the gateway's. */
  cut(failure: Failure): void {
    const leave = this.#onLeave;
    if (this.#onCut) this.#onCut(failure);
    else this.fail(failure);
    leave?.();
  }

  /** Takes room for bytes of the body that stay in memory until the exchange is over; false when there is none. */
  hold(bytes: number): boolean {
    if (!this.#app.bodies.take(bytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  /** The connection now speaks another protocol (101): the exchange lasts until it is closed, by whomever. */
  handOver(): void {
    this.#handedOver = true;
    this.request.socket.off("end", this.#onClientEnd);
  }

  /** The client's headers as an upstream gets them. */
  upstreamHeaders(): Headers {
    const traceparent = this.#span?.traceparent ?? validTraceparent(this.#askedTrace);
    return upstreamHeaders(this.request.headers, this.id, traceparent);
  }

  get #askedTrace(): string | undefined {
    const { traceparent } = this.request.headers;
    return typeof traceparent === "string" ? traceparent : undefined;
  }

  /** Headers that say who answered, why, and what the gateway cost up to here. */
  routeHeaders(): Headers {
    const { upstream, model, reason, attempts } = this.facts;
    const headers: Headers = { ...this.#idHeaders(), ...this.limitHeaders };
    if (upstream !== undefined) this.#tellTimes(headers, upstream);
    if (model !== undefined) headers["x-model-used"] = headerText(model);
    if (reason !== undefined) headers["x-router-reason"] = headerText(reason);
    if (attempts !== undefined) headers["x-router-attempts"] = String(attempts);
    return headers;
  }

  /** Given to `writeHead` with all others: a header that is set on its own makes Node merge them one by one. */
  #idHeaders(): Headers {
    const { idHeader } = this.dialect;
    const headers: Headers = { "x-request-id": this.id };
    if (idHeader !== undefined) headers[idHeader] = this.id;
    return headers;
  }

  #tellTimes(headers: Headers, upstream: string): void {
    this.stopwatch.back();
    this.#ownMs ??= this.stopwatch.ownMs;
    headers["x-backend-used"] = upstream;
    headers["x-nexus-overhead-ms"] = this.#ownMs.toFixed(3);
    headers["x-nexus-queue-ms"] = this.queuedMs.toFixed(3);
  }

  /** Remembers a failure that the client has been told of in a stream. */
  note(failure: Failure): void {
    this.#failure = failure;
  }

  /** The last event of a stream that failed after it began. */
  failureEvent(failure: Failure): string {
    return this.dialect.failureEvent(failure, this.id);
  }

  /** Begins an event stream before anybody has answered: from here on a failure is its last event. */
  beginEvents(headers: Headers): void {
    if (this.over || this.response.headersSent) return;
    this.#begun = true;
    const type = { "content-type": "text/event-stream; charset=utf-8" };
    const all = { ...type, ...streamHeaders, ...this.#idHeaders(), ...headers };
    this.response.writeHead(200, all);
  }

  /** Answers with a failure, unless an answer has begun. */
  fail(failure: Failure): void {
    this.note(failure);
    if (this.#begun) {
      if (!this.over) this.response.end(this.failureEvent(failure));
      return;
    }
    const headers = { ...this.routeHeaders(), ...failureHeaders(failure) };
    this.send(failure.status, headers, this.dialect.failureBody(failure, this.id));
  }

  /** Answers with a JSON document. */
  json(status: number, document: unknown): void {
    this.send(status, { "content-type": "application/json" }, JSON.stringify(document));
  }

  /** Answers whole, unless an answer has begun or the client has left. */
  send(status: number, headers: Headers, body: string | Buffer): void {
    if (this.#left || this.response.headersSent) return;
    const length = String(Buffer.byteLength(body));
    const all = { ...headers, ...this.#idHeaders(), "content-length": length };
    this.response.writeHead(status, all);
    this.response.end(this.request.method === "HEAD" ? undefined : body);
    this.watchReader();
    lingerOver(this.request);
  }

  /** Of a finished answer, waits for the client to read what is left as long as it reads. */
  watchReader(): void {
    if (this.response.writableLength === 0) return;
    this.response.setTimeout(this.#app.settings.limits.stallMs, () => this.response.destroy());
  }

  /** A client that has said its last word has left, even if what it has not read yet keeps its connection open. */
  readonly #onClientEnd = (): void => {
    if (!this.response.writableEnded) this.response.destroy();
  };

  #close(): void {
    this.request.socket.off("end", this.#onClientEnd);
    this.#app.exchanges.delete(this);
    this.#app.bodies.give(this.#heldBytes);
    this.#left = !this.response.writableFinished && !this.#handedOver;
    if (this.#left) this.#onLeave?.();
    const status = this.#handedOver ? 101 : this.#left ? 499 : this.response.statusCode;
    // A stored answer that is looked at again tells again what it has cost.
    const cost = this.request.method === "POST" ? this.tap?.cost() : undefined;
    const [failure, ownMs] = [this.#failure, this.#ownMs];
    reportExchange(this.#app, this, { status, cost, failure, ownMs });
    this.#span?.end(status, spanAttributes(this, status, cost));
  }
}

const printable = /^[\x20-\x7e]*$/;

/** A name as a header may carry it; some are chosen by clients, half a character among them. */
function headerText(value: string): string {
  if (printable.test(value)) return value;
  return value.toWellFormed().replaceAll(/[^\x20-\x7e]/gu, encodeURIComponent);
}
