/** Sends any request of the CLI's to an upstream and passes the answer on as it comes. */
import { StringDecoder } from "node:string_decoder";
import type { IncomingHttpHeaders } from "node:http";
import type { ControlOrder } from "./requests.ts";
import { ControlFailure } from "./failure.ts";
import type { OperationContext } from "./operations.ts";
import type { ControlResult, RequestBytes, RequestChunk } from "../protocol.ts";
import type { Dispatcher } from "undici";
import { nameFailure, truncatedAnswer } from "../request/upstream-failure.ts";

type RequestOrder = Extract<ControlOrder, { op: "request" }>;

/** Resolves with the status once the answer is complete; throws ControlFailure when it never is. */
export async function sendRequest(
  order: RequestOrder,
  { app, progress, catchingUp, signal }: OperationContext,
): Promise<ControlResult["request"]> {
  const { upstream, method, path } = order;
  const backend = app.backends.retain(upstream);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<ControlResult["request"]>();
    const way = order.answer === "bytes" ? passBytes(progress) : passText(progress);
    const passage = new Passage(upstream.id, { ...way, catchingUp }, { resolve, reject });
    const cancel = () => passage.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    backend.dispatch({ method, path, headers: headersOf(order), body: bodyOf(order) }, passage);
    return await promise.finally(() => signal.removeEventListener("abort", cancel));
  } finally {
    app.backends.release(upstream);
  }
}

function headersOf({ headers = {}, body }: RequestOrder): Record<string, string> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    accept: "*/*",
    "accept-encoding": "identity",
    ...(body !== undefined && { "content-type": "application/json" }),
    ...Object.fromEntries(own),
  };
}

function bodyOf({ body, bytes }: RequestOrder): Buffer | string | null {
  if (bytes !== undefined) return Buffer.from(bytes, "base64");
  return body === undefined ? null : JSON.stringify(body);
}

type Outcome = Readonly<{
  resolve: (result: ControlResult["request"]) => void;
  reject: (error: Error) => void;
}>;

/** How an answer is told: pieces as they come, and what the result holds beside its status. */
type Way = Readonly<{
  pass: (status: number, piece: Buffer) => void;
  end: (status: number) => void;
  resultOf: (headers: IncomingHttpHeaders) => Omit<ControlResult["request"], "status">;
}>;

/** In whole characters. */
function passText(progress: (chunk: RequestChunk) => void): Way {
  const decoder = new StringDecoder("utf8");
  const tell = (status: number, chunk: string): void => {
    if (chunk !== "") progress({ status, chunk });
  };
  return {
    pass: (status, piece) => tell(status, decoder.write(piece)),
    end: (status) => tell(status, decoder.end()),
    resultOf: () => ({}),
  };
}

/** As it arrived, with the time since the request was sent. */
function passBytes(progress: (piece: RequestBytes) => void): Way {
  const since = performance.now();
  return {
    pass: (_, piece) =>
      progress({
        bytes: piece.toString("base64"),
        at_ms: Math.round(performance.now() - since),
      }),
    end: () => undefined,
    resultOf: (headers) => ({ headers: plainHeaders(headers) }),
  };
}

function plainHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    [value].flat().join(", "),
  ]);
  return Object.fromEntries(entries);
}

class Passage implements Dispatcher.DispatchHandler {
  readonly #service: string;
  readonly #way: Way & Pick<OperationContext, "catchingUp">;
  readonly #outcome: Outcome;
  #controller: Dispatcher.DispatchController | undefined;
  #cancelled = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};

  constructor(service: string, way: Way & Pick<OperationContext, "catchingUp">, outcome: Outcome) {
    this.#service = service;
    this.#way = way;
    this.#outcome = outcome;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#outcome.reject(new ControlFailure("cancelled", "The request was cancelled."));
    this.#controller?.abort(new Error("cancelled"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancelled) controller.abort(new Error("cancelled"));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  /** What the client has not read yet is not taken from the upstream: an answer without an end must not fill the gateway. */
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#way.pass(this.#status, chunk);
    const catchingUp = this.#way.catchingUp();
    if (catchingUp === undefined) return;
    controller.pause();
    void catchingUp.then(() => controller.resume());
  }

  onResponseEnd(): void {
    this.#way.end(this.#status);
    this.#outcome.resolve({ status: this.#status, ...this.#way.resultOf(this.#headers) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const connected = this.#controller !== undefined;
    const begun = this.#status > 0;
    const { code, message } = begun
      ? truncatedAnswer(this.#service)
      : nameFailure(this.#service, error, connected);
    this.#outcome.reject(new ControlFailure(code, message));
  }
}
