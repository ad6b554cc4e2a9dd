/** What an attempt is given: the request, and where its answer goes. */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Failure } from "../api/failure.ts";
import type { Headers } from "../api/headers.ts";
import type { RelayLimits } from "../settings.ts";
import type { Backend } from "../upstreams/backend.ts";
import type { UsageTap } from "../usage/usage-tap.ts";
import type { EventBoundary } from "./event-boundary.ts";

/** Where a streamed answer goes: a ServerResponse, or anything that behaves like one. */
export type Sink = {
  /** Whether an event stream has been begun already. */
  readonly headersSent: boolean;
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

/** Everything an attempt needs beside the request. */
export type RelayOptions = Readonly<{
  backend: Backend;
  limits: RelayLimits;
  sink: Sink;
  /** What is held until it is complete, so that the caller may still answer something else: by default every small answer. */
  holds?: (status: number, headers: IncomingHttpHeaders) => boolean;
  /** Set for an answer that is held whole whatever it is; one that is longer than so many bytes counts as broken. */
  wholeUpTo?: number;
  /** Sees what passes, and may keep an event from the client. */
  tap?: UsageTap;
  /** Headers of the gateway's own, added to a streamed answer. */
  ownHeaders: () => Headers;
  /** Told once per answer, when its head has come: the boundaries of its events, undefined when it has none. */
  onAnswer?: (events: EventBoundary | undefined) => void;
  /** Told once, when the first byte of a streamed answer's body is about to go out. */
  onFirstByte: () => void;
  /** The event that ends a broken stream, in the words of the client's API. */
  failureEvent: (failure: Failure) => string;
  /** Told when a streamed answer breaks off, before the client can see its end. */
  onBroken: (failure: Failure) => void;
}>;
