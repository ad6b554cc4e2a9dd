/** The gateway's own questions to an upstream: small, bounded, answered within a deadline or not at all. */
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { Backend } from "./backend.ts";
import { errorCode } from "../request/upstream-failure.ts";

/** An upstream's answer, or why there is none. */
export type Answer = Readonly<
  | { kind: "answered"; status: number; body: Buffer }
  | { kind: "none"; code: string; connected: boolean }
>;

const longestBody = 4 * 1024 * 1024;

/** Asks with GET, or with POST when there is a JSON body. An answer that is too long or breaks off counts as none. */
export function ask(
  backend: Backend,
  path: string,
  options: Readonly<{ timeoutMs: number; signal?: AbortSignal; body?: string }>,
): Promise<Answer> {
  return new Promise((resolve) => {
    const question = new Question(resolve);
    const cancel = () => question.cancel("cancelled");
    const timer = setTimeout(() => question.cancel("timeout"), options.timeoutMs);
    options.signal?.addEventListener("abort", cancel, { once: true });
    question.onSettled = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancel);
    };
    const accepted = { accept: "application/json", "accept-encoding": "identity" };
    const { body } = options;
    const request =
      body === undefined
        ? { method: "GET", headers: accepted }
        : { method: "POST", headers: { ...accepted, "content-type": "application/json" }, body };
    backend.dispatch({ ...request, path }, question);
  });
}

class Question implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #settled = false;
  onSettled: () => void = () => {};

  constructor(resolve: (answer: Answer) => void) {
    this.#resolve = resolve;
  }

  cancel(code: string): void {
    this.#settle({ kind: "none", code, connected: this.#controller !== undefined });
    this.#controller?.abort(new Error(code));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error("cancelled"));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, _h: IncomingHttpHeaders): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > longestBody) this.cancel("too_long");
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#settle({ kind: "answered", status: this.#status, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const connected = this.#controller !== undefined;
    this.#settle({ kind: "none", code: errorCode(error), connected });
  }

  #settle(answer: Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.onSettled();
    this.#resolve(answer);
  }
}
