/** The one place where calls leave for the engine: each has a name, a deadline and failures in our words. */
import type { IncomingMessage } from "node:http";
import type Docker from "dockerode";
import { EngineLostError, EngineSilentError } from "../errors/connection.ts";
import { readFailure } from "./failure.ts";

/** Reads answer within this, or the engine hangs. */
export const readDeadlineMs = 15_000;
/** Calls that change something may take this long; they are never cut, only no longer waited for. */
export const writeDeadlineMs = 180_000;

/** A request as dockerode's transport takes it. */
export type DialOptions = Parameters<Docker["modem"]["dial"]>[0];

/** What a client needs to know about the engine it speaks to. */
export type ClientOptions = Readonly<{
  docker: Docker;
  /** For messages: `unix:///var/run/docker.sock (context default)`. */
  endpoint: string;
}>;

/** Options that every dockerode method takes. */
export type CallOptions = Readonly<{ abortSignal: AbortSignal }>;

/** Runs dockerode's calls with names, deadlines and typed failures. */
export class DockerClient {
  readonly docker: Docker;
  readonly endpoint: string;

  constructor({ docker, endpoint }: ClientOptions) {
    this.docker = docker;
    this.endpoint = endpoint;
  }

  /** A call that changes nothing: cut after 15 s. */
  async read<T>(
    call: string,
    operation: (docker: Docker, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const abortSignal = AbortSignal.timeout(readDeadlineMs);
    return this.#run(call, readDeadlineMs, async () => operation(this.docker, { abortSignal }));
  }

  /** A call that changes something: never cut, because the engine would finish it unseen. */
  async write<T>(
    call: string,
    operation: (docker: Docker) => Promise<T>,
    deadlineMs = writeDeadlineMs,
  ): Promise<T> {
    return this.#run(call, deadlineMs, async () => operation(this.docker));
  }

  /** Sends a request that dockerode has no safe method for and resolves with the parsed answer, or the response of a stream. */
  async dial(call: string, options: DialOptions, deadlineMs = writeDeadlineMs): Promise<unknown> {
    return this.#run(call, deadlineMs, async () => dialModem(this.docker.modem, options));
  }

  /** A call whose answer is a stream; the answer must begin within `deadlineMs`. */
  async stream(
    call: string,
    open: (docker: Docker, options: CallOptions) => Promise<NodeJS.ReadableStream>,
    signal?: AbortSignal,
    deadlineMs = readDeadlineMs,
  ): Promise<IncomingMessage> {
    const abortSignal = signal ?? new AbortController().signal;
    // dockerode declares less than it delivers: the response itself.
    return (await this.#run(call, deadlineMs, async () =>
      open(this.docker, { abortSignal }),
    )) as IncomingMessage;
  }

  /** The failure in our words of something that broke inside a stream. */
  streamFailure(call: string, error: unknown): unknown {
    const failure = this.#read(call, error);
    return failure === error && isAbort(error) ? new EngineLostError(call, error) : failure;
  }

  async #run<T>(call: string, deadlineMs: number, operation: () => Promise<T>): Promise<T> {
    try {
      return await withinDeadline(operation(), deadlineMs, call);
    } catch (error) {
      throw isTimeout(error) ? new EngineSilentError(call, deadlineMs) : this.#read(call, error);
    }
  }

  #read(call: string, error: unknown): unknown {
    return readFailure(error, { call, endpoint: this.endpoint, reached: true, alternatives: [] });
  }
}

/** dockerode's transport as a promise; throws what dockerode's own methods throw. */
export async function dialModem(modem: Docker["modem"], options: DialOptions): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  modem.dial(options, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  return promise;
}

async function withinDeadline<T>(
  operation: Promise<T>,
  deadlineMs: number,
  call: string,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new EngineSilentError(call, deadlineMs)), deadlineMs);
  try {
    return await Promise.race([operation, promise]);
  } finally {
    clearTimeout(timer);
  }
}

const isAbort = (error: unknown) => error instanceof Error && error.name === "AbortError";

/** True when a deadline passed. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "TimeoutError" || (isAbort(error) && isTimeout(error.cause));
}
