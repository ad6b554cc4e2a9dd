/** The gateway's end of a control channel, in memory: a script answers each request line. */
import { PassThrough } from "node:stream";
import type { ControlReply, ControlRequest } from "../../src/gateway/protocol.ts";
import type { Execution } from "../../src/engine/engine.ts";
import { linkOver, type GatewayLink } from "../../src/readiness/gateway-link.ts";

/** A request as it came over the wire. */
export type SeenRequest = Readonly<{ id: number } & ControlRequest>;

type Send = (reply: ControlReply) => void;

/** An Execution whose far side is a function; `seen` records what it was asked. */
export class GatewayStub implements Execution {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly exitCode: Promise<number>;
  readonly seen: SeenRequest[] = [];
  readonly #exited = Promise.withResolvers<number>();
  #waiting: { readonly op: string; readonly found: (request: SeenRequest) => void }[] = [];

  constructor(answer: (request: SeenRequest, send: Send) => void = () => {}) {
    this.exitCode = this.#exited.promise;
    let rest = "";
    this.stdin.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line), answer);
    });
    this.stdin.once("end", () => this.exit(0));
  }

  /** A link over this stub. */
  link(): GatewayLink {
    return linkOver(this);
  }

  readonly send: Send = (reply) => {
    this.stdout.write(`${JSON.stringify(reply)}\n`);
  };

  /** Ends the process. */
  exit(code: number): void {
    this.stdout.end();
    this.stderr.end();
    this.#exited.resolve(code);
  }

  /** Resolves with the first request of that op, past or future. */
  asked(op: string): Promise<SeenRequest> {
    const { promise, resolve } = Promise.withResolvers<SeenRequest>();
    const past = this.seen.find((request) => request.op === op);
    if (past) resolve(past);
    else this.#waiting.push({ op, found: resolve });
    return promise;
  }

  async resize(): Promise<void> {}

  #take(request: SeenRequest, answer: (request: SeenRequest, send: Send) => void): void {
    this.seen.push(request);
    const found = this.#waiting.filter(({ op }) => op === request.op);
    this.#waiting = this.#waiting.filter(({ op }) => op !== request.op);
    for (const waiter of found) waiter.found(request);
    answer(request, this.send);
  }
}
