/** The CLI's end of the control channel (src/gateway/protocol.ts): one exec in the gateway's container, many calls. */
import type { Readable, Writable } from "node:stream";
import type { Containers } from "../engine/engine.ts";
import { gatewayPaths } from "../gateway/config.ts";
import type { ControlReply, ControlRequest, ControlResult } from "../gateway/protocol.ts";
import { GatewayLostError, GatewayRefusedError } from "./errors.ts";
import { readLines, Tail } from "./lines.ts";

/** What may be asked; cancelling is done with an AbortSignal. */
export type GatewayRequest = Exclude<ControlRequest, { op: "cancel" }>;

/** How a call is followed and ended. */
export type CallOptions = Readonly<{
  /** Told every progress line of the call; what it holds depends on the op. */
  onProgress?: (progress: unknown) => void;
  /** Ends the call at once, here and in the gateway. */
  signal?: AbortSignal;
}>;

/** An open control channel. Any number of calls may be under way. */
export interface GatewayLink extends AsyncDisposable {
  /**
   * Resolves with the gateway's result. Throws GatewayRefusedError when the gateway says no, GatewayLostError
   * when the channel ends, and the signal's reason when it aborts.
   */
  call<Request extends GatewayRequest>(
    request: Request,
    options?: CallOptions,
  ): Promise<ControlResult[Request["op"]]>;
  /** Ends the channel and everything under way on it; resolves when the process is gone. */
  close(): Promise<void>;
}

/** What a link talks over: an Execution, or any duplex given as `stdin` and `stdout`. */
export type LinkChannel = Readonly<{
  stdin: Writable;
  stdout: Readable;
  stderr?: Readable;
  /** Settles when the far side has ended. */
  exitCode?: Promise<number>;
}>;

/** Opens the control channel of the gateway that runs in `containerId`; the engine's own errors pass through. */
export async function openGatewayLink(
  engine: Readonly<{ containers: Pick<Containers, "exec"> }>,
  containerId: string,
  signal?: AbortSignal,
): Promise<GatewayLink> {
  signal?.throwIfAborted();
  const command = ["node", gatewayPaths.bundle, "control"];
  const execution = await engine.containers.exec(containerId, command);
  const link = linkOver(execution);
  signal?.addEventListener("abort", () => void link.close(), { once: true });
  if (signal?.aborted) await link.close();
  signal?.throwIfAborted();
  return link;
}

/** Speaks the control protocol over a channel that is already open. */
export function linkOver(channel: LinkChannel): GatewayLink {
  return new ChannelLink(channel);
}

/** Methods, so that a call of any op fits: which result belongs to which op is the gateway's promise. */
interface Call {
  readonly op: string;
  readonly onProgress: ((progress: unknown) => void) | undefined;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** How long the far side may take to end and to tell its exit code, in milliseconds. */
const END_GRACE_MS = 1_000;

class ChannelLink implements GatewayLink {
  readonly #channel: LinkChannel;
  readonly #calls = new Map<number, Call>();
  readonly #lastWords = new Tail(5);
  readonly #ended = Promise.withResolvers<GatewayLostError>();
  #nextId = 1;
  #state: "open" | "closing" | "ended" = "open";

  constructor(channel: LinkChannel) {
    this.#channel = channel;
    const { stdin, stdout, stderr } = channel;
    readLines(stdout, (line) => this.#receive(line));
    if (stderr) readLines(stderr, (line) => this.#lastWords.push(line));
    const end = (): void => void this.#end();
    stdin.on("error", end);
    stderr?.on("error", end);
    stdout.on("error", end).once("end", end).once("close", end);
  }

  call<Request extends GatewayRequest>(
    request: Request,
    options: CallOptions = {},
  ): Promise<ControlResult[Request["op"]]> {
    const { signal, onProgress } = options;
    const { promise, resolve, reject } = Promise.withResolvers<ControlResult[Request["op"]]>();
    if (signal?.aborted) reject(signal.reason);
    else if (this.#state !== "open") void this.#ended.promise.then(reject);
    else {
      const id = this.#nextId++;
      this.#calls.set(id, { op: request.op, resolve, reject, onProgress });
      const cancel = (): void => this.#cancel(id, signal?.reason);
      signal?.addEventListener("abort", cancel, { once: true });
      this.#send({ id, ...request });
      return promise.finally(() => signal?.removeEventListener("abort", cancel));
    }
    return promise;
  }

  async close(): Promise<void> {
    if (this.#state === "open") this.#state = "closing";
    this.#channel.stdin.end();
    const impatience = setTimeout(() => this.#channel.stdout.destroy(), END_GRACE_MS);
    await this.#ended.promise;
    clearTimeout(impatience);
    this.#channel.stdin.destroy();
    this.#channel.stdout.destroy();
    this.#channel.stderr?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #cancel(id: number, reason: unknown): void {
    this.#calls.get(id)?.reject(reason);
    this.#calls.delete(id);
    this.#send({ id: this.#nextId++, op: "cancel", request: id });
  }

  #send(line: Readonly<{ id: number } & ControlRequest>): void {
    if (this.#channel.stdin.writable) this.#channel.stdin.write(`${JSON.stringify(line)}\n`);
  }

  #receive(line: string): void {
    const reply = parseReply(line);
    if (!reply) return this.#lastWords.push(line);
    const call = this.#calls.get(reply.id);
    if (!call) return;
    if ("progress" in reply) return call.onProgress?.(reply.progress);
    this.#calls.delete(reply.id);
    if ("ok" in reply) call.resolve(reply.ok);
    else call.reject(new GatewayRefusedError(call.op, reply.error.code, reply.error.message));
  }

  /** Waits for the exit code before it speaks, because the last words on stderr come with it. */
  async #end(): Promise<void> {
    if (this.#state === "ended") return;
    const because = this.#state === "closing" ? "it was closed here" : this.#lastFact();
    this.#state = "ended";
    const lost = new GatewayLostError(await because, this.#lastWords.text());
    for (const call of this.#calls.values()) call.reject(lost);
    this.#calls.clear();
    this.#ended.resolve(lost);
  }

  async #lastFact(): Promise<string> {
    const { promise: patience, resolve: giveUp } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => giveUp(undefined), END_GRACE_MS);
    const known = this.#channel.exitCode?.catch(() => undefined);
    const exitCode = await Promise.race([known, patience]);
    clearTimeout(timer);
    return exitCode === undefined ? "the stream broke off" : `its process exited with ${exitCode}`;
  }
}

/** Undefined for a line that is no reply: runtimes print their own complaints on the same stream. */
function parseReply(line: string): ControlReply | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isReply(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isReply(value: unknown): value is ControlReply {
  return (
    typeof value === "object" && value !== null && "id" in value && typeof value.id === "number"
  );
}
