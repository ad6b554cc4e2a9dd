/** What the gateway counts: one method for everything that can happen to a request. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Backends } from "../upstreams/backend.ts";
import type { Registry } from "../upstreams/registry.ts";
import {
  buildMetric,
  heldMetrics,
  processMetrics,
  upstreamMetrics,
  type Held,
} from "./live-metrics.ts";
import { durationBounds, FinishedRequests, type FinishedRequest } from "./finished-requests.ts";
import { Counter, Histogram, type Family, type Metric } from "./metrics.ts";

/** How an attempt at an upstream ended, as metrics tell it. */
export type Outcome = "ok" | "error_status" | "failed" | "broken" | "cancelled";

/** Why somebody was not let in. */
export type AuthFailure =
  | "missing"
  | "ambiguous"
  | "unknown"
  | "expired"
  | "scope"
  | "address"
  | "unseen"
  | "session"
  | "credentials";

const ownTimeBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
const chunkBounds = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56];

/** The gateway's metrics. */
export class GatewayMetrics {
  readonly #finished: FinishedRequests;
  readonly #overheads = new Histogram(
    {
      name: "nexus_overhead_seconds",
      help: "The gateway's own time before the head of an answer: without the client's upload, the queue and the upstream.",
      labels: ["endpoint"],
    },
    ownTimeBounds,
  );
  readonly #firstBytes = new Histogram(
    {
      name: "nexus_time_to_first_byte_seconds",
      help: "From the first byte of a request to the first byte of its answer's body.",
      labels: ["endpoint", "upstream"],
    },
    durationBounds,
  );
  readonly #chunkPauses = new Histogram(
    {
      name: "nexus_time_per_output_chunk_seconds",
      help: "Mean time between the chunks of a streamed answer, once a stream.",
      labels: ["endpoint", "upstream"],
    },
    chunkBounds,
  );
  readonly #queueWaits = new Histogram(
    {
      name: "nexus_queue_wait_seconds",
      help: "How long admitted requests waited for a slot.",
      labels: ["upstream"],
    },
    durationBounds,
  );
  readonly #rejections = new Counter({
    name: "nexus_admission_rejected_total",
    help: "Requests refused for lack of a slot.",
    labels: ["upstream", "reason"],
  });
  readonly #attempts = new Counter({
    name: "nexus_upstream_attempts_total",
    help: "Requests sent to an upstream, by how that ended: ok, error_status (5xx), failed, broken, cancelled.",
    labels: ["upstream", "outcome"],
  });
  readonly #retries = new Counter({
    name: "nexus_retries_total",
    help: "Requests sent once more because a kept-alive connection had closed under them.",
    labels: ["upstream"],
  });
  readonly #fallbacks = new Counter({
    name: "nexus_fallbacks_total",
    help: "Requests that went on to the next candidate of an alias or model.",
    labels: ["from", "to"],
  });
  readonly #deniedRetries = new Counter({
    name: "nexus_retries_denied_total",
    help: "Further attempts that an upstream was spared because too many had failed there.",
    labels: ["upstream"],
  });
  readonly #disconnects = new Counter({
    name: "nexus_client_disconnects_total",
    help: "Clients that left before their answer was complete: while sending, queued, waiting or streaming.",
    labels: ["phase"],
  });
  readonly #authFailures = new Counter({
    name: "nexus_auth_failures_total",
    help: "Requests without a valid key or session, and logins with a wrong name or password.",
    labels: ["reason"],
  });
  readonly #reloads = new Counter({
    name: "nexus_config_reloads_total",
    help: "Configurations that were sent: accepted, or rejected with the old one left in force.",
    labels: ["result"],
  });
  readonly #malformed = new Counter({
    name: "nexus_malformed_requests_total",
    help: "Connections closed because what came was no request, too large a one or too slow a one, by HTTP status.",
    labels: ["status"],
  });
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 });
  readonly #all: readonly Metric[];

  constructor(version: string, registry: Registry, backends: Backends, held: Held) {
    this.#finished = new FinishedRequests(registry);
    this.#loopDelay.enable();
    this.#all = [
      ...this.#finished.metrics,
      this.#overheads,
      this.#firstBytes,
      this.#chunkPauses,
      this.#queueWaits,
      this.#rejections,
      this.#attempts,
      this.#retries,
      this.#fallbacks,
      this.#deniedRetries,
      this.#disconnects,
      this.#authFailures,
      this.#reloads,
      this.#malformed,
      ...upstreamMetrics(registry, backends),
      ...heldMetrics(held),
      ...processMetrics(this.#loopDelay),
      buildMetric(version),
    ];
  }

  finish(request: FinishedRequest): void {
    this.#finished.finish(request);
  }

  overhead(endpoint: string, ownMs: number): void {
    this.#overheads.observe([endpoint], ownMs / 1000);
  }

  firstByte(endpoint: string, upstream: string, seconds: number): void {
    this.#firstBytes.observe([endpoint, upstream], seconds);
  }

  chunkPause(endpoint: string, upstream: string, seconds: number): void {
    this.#chunkPauses.observe([endpoint, upstream], seconds);
  }

  admitted(upstream: string, waitedSeconds: number): void {
    this.#queueWaits.observe([upstream], waitedSeconds);
  }

  rejected(upstream: string, reason: string): void {
    this.#rejections.add([upstream, reason]);
  }

  attempted(upstream: string, outcome: Outcome): void {
    this.#attempts.add([upstream, outcome]);
  }

  retried(upstream: string): void {
    this.#retries.add([upstream]);
  }

  fellBack(from: string, to: string): void {
    this.#fallbacks.add([from, to]);
  }

  retryDenied(upstream: string): void {
    this.#deniedRetries.add([upstream]);
  }

  departed(phase: "sending" | "queued" | "waiting" | "streaming"): void {
    this.#disconnects.add([phase]);
  }

  authFailed(reason: AuthFailure): void {
    this.#authFailures.add([reason]);
  }

  malformed(status: number): void {
    this.#malformed.add([String(status)]);
  }

  configured(result: "accepted" | "rejected"): void {
    this.#reloads.add([result]);
  }

  /** Every metric as it stands now. */
  read(): readonly Family[] {
    return this.#all.map((metric) => metric.read());
  }

  stop(): void {
    this.#loopDelay.disable();
  }
}
