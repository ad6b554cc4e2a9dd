/** What is counted of requests once they are over. */
import type { Socket } from "node:net";
import { sameModel } from "../upstreams/model-list.ts";
import type { Registry } from "../upstreams/registry.ts";
import type { Cost } from "../usage/usage-tap.ts";
import { Counter, Histogram, type Metric } from "./metrics.ts";

/** A request that is over. */
export type FinishedRequest = Readonly<{
  endpoint: string;
  /** Service id; undefined when no upstream was chosen. */
  upstream: string | undefined;
  /** The model as the upstream was asked for it: only names that the upstream lists or declares become labels. */
  model: string | undefined;
  status: number;
  /** Code of the failure that the client was told of. */
  error: string | undefined;
  stream: boolean;
  /** Name of the key that paid; undefined for none. */
  key: string | undefined;
  seconds: number;
  /** What its answer cost; undefined when nobody knows. */
  cost: Cost | undefined;
  socket: Socket;
}>;

/** Buckets for what takes from milliseconds to minutes, in seconds. */
export const durationBounds: readonly number[] = [
  0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
];

/** The metrics that a request adds to when it is over. */
export class FinishedRequests {
  readonly #requests = new Counter({
    name: "nexus_requests_total",
    help: "Requests that are over, by HTTP status (499: the client left) and error code.",
    labels: ["endpoint", "model", "upstream", "status", "error", "stream"],
  });
  readonly #durations = new Histogram(
    {
      name: "nexus_request_duration_seconds",
      help: "From the first byte of a request to the last byte of its answer.",
      labels: ["endpoint", "model", "upstream"],
    },
    durationBounds,
  );
  readonly #tokens = new Counter({
    name: "nexus_tokens_total",
    help: "Tokens as upstreams told them, or estimated where they told none.",
    labels: ["endpoint", "model", "upstream", "type"],
  });
  readonly #requestsByKey = new Counter({
    name: "nexus_key_requests_total",
    help: "Requests that are over, by the name of their key: ok, or failed (status 400 and above).",
    labels: ["key", "outcome"],
  });
  readonly #tokensByKey = new Counter({
    name: "nexus_key_tokens_total",
    help: "Tokens, told or estimated, by the name of the key that used them.",
    labels: ["key", "type"],
  });
  readonly #bytes = new Counter({
    name: "nexus_bytes_total",
    help: "Bytes on clients' connections, heads included.",
    labels: ["direction"],
  });
  /** What has been counted of a connection that serves many requests. */
  readonly #wires = new WeakMap<Socket, { read: number; written: number }>();
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get metrics(): readonly Metric[] {
    return [
      this.#requests,
      this.#durations,
      this.#tokens,
      this.#requestsByKey,
      this.#tokensByKey,
      this.#bytes,
    ];
  }

  finish({
    endpoint,
    status,
    error = "none",
    stream,
    seconds,
    cost,
    ...of
  }: FinishedRequest): void {
    const upstream = of.upstream ?? "none";
    const model = this.#modelLabel(upstream, of.model);
    this.#requests.add([endpoint, model, upstream, String(status), error, String(stream)]);
    this.#durations.observe([endpoint, model, upstream], seconds);
    this.#countBytes(of.socket);
    if (of.key !== undefined) this.#countForKey(of.key, status, cost);
    if (!cost) return;
    this.#tokens.add([endpoint, model, upstream, "input"], cost.input);
    this.#tokens.add([endpoint, model, upstream, "output"], cost.output);
  }

  #countForKey(key: string, status: number, cost: Cost | undefined): void {
    this.#requestsByKey.add([key, status < 400 ? "ok" : "failed"]);
    this.#tokensByKey.add([key, "input"], cost?.input ?? 0);
    this.#tokensByKey.add([key, "output"], cost?.output ?? 0);
  }

  /** A name that the upstream itself does not list may be anything that a client thought of. */
  #modelLabel(upstream: string, model: string | undefined): string {
    if (model === undefined) return "none";
    const monitor = this.#registry.snapshot.monitors.get(upstream);
    if (!monitor) return "_other";
    const kind = monitor.upstream.probe.models;
    const listed = monitor.sighting.models.find(({ id }) => sameModel(id, model, kind))?.id;
    return listed ?? monitor.upstream.models.find((id) => sameModel(id, model, kind)) ?? "_other";
  }

  #countBytes(socket: Socket): void {
    const wire = this.#wires.get(socket) ?? { read: 0, written: 0 };
    if (wire.read === 0) this.#wires.set(socket, wire);
    const { bytesRead, bytesWritten } = socket;
    this.#bytes.add(["in"], bytesRead - wire.read);
    this.#bytes.add(["out"], bytesWritten - wire.written);
    wire.read = bytesRead;
    wire.written = bytesWritten;
  }
}
