/** Sends any request of the CLI's to an upstream and passes the answer on as it comes. */
import { StringDecoder } from "node:string_decoder";
import type { ControlOrder } from "./requests.ts";
import { ControlFailure } from "./failure.ts";
import type { OperationContext } from "./operations.ts";
import type { ControlResult, RequestChunk } from "../protocol.ts";
import type { Dispatcher } from "undici";
import { nameFailure, truncatedAnswer } from "../request/upstream-failure.ts";

type RequestOrder = Extract<ControlOrder, { op: "request" }>;

/** Resolves with the status once the answer is complete; throws ControlFailure when it never is. */
export async function sendRequest(
  { upstream, method, path, body }: RequestOrder,
  { app, progress, signal }: OperationContext,
): Promise<ControlResult["request"]> {
  const backend = app.backends.retain(upstream);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<ControlResult["request"]>();
    const passage = new Passage(upstream.id, progress, { resolve, reject });
    const text = body === undefined ? null : JSON.stringify(body);
    const headers = {
      accept: "*/*",
      "accept-encoding": "identity",
      ...(text !== null && { "content-type": "application/json" }),
    };
    const cancel = () => passage.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    backend.dispatch({ method, path, headers, body: text }, passage);
    return await promise.finally(() => signal.removeEventListener("abort", cancel));
  } finally {
    app.backends.release(upstream);
  }
}

type Outcome = Readonly<{
  resolve: (result: ControlResult["request"]) => void;
  reject: (error: Error) => void;
}>;

class Passage implements Dispatcher.DispatchHandler {
  readonly #service: string;
  readonly #progress: (chunk: RequestChunk) => void;
  readonly #outcome: Outcome;
  readonly #decoder = new StringDecoder("utf8");
  #controller: Dispatcher.DispatchController | undefined;
  #cancelled = false;
  #status = 0;

  constructor(service: string, progress: (chunk: RequestChunk) => void, outcome: Outcome) {
    this.#service = service;
    this.#progress = progress;
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

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#pass(this.#decoder.write(chunk));
  }

  onResponseEnd(): void {
    this.#pass(this.#decoder.end());
    this.#outcome.resolve({ status: this.#status });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const connected = this.#controller !== undefined;
    const begun = this.#status > 0;
    const { code, message } = begun
      ? truncatedAnswer(this.#service)
      : nameFailure(this.#service, error, connected);
    this.#outcome.reject(new ControlFailure(code, message));
  }

  #pass(text: string): void {
    if (text !== "") this.#progress({ status: this.#status, chunk: text });
  }
}
