/** What the gateway counts. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ByteBudget } from "../door/byte-budget.ts";
import { admissionMetrics } from "./admission-metrics.ts";
import type { Backends } from "../upstreams/backend.ts";
import { Counter, Gauge, Histogram, renderMetrics, type Metric } from "./metrics.ts";
import type { Registry } from "../upstreams/registry.ts";
import type { Cost } from "../usage/usage-tap.ts";

/** A request that is over. */
export type FinishedRequest = Readonly<{
  endpoint: string;
  /** Service id; `none` when no upstream was asked. */
  upstream: string;
  status: number;
  seconds: number;
  /** What its answer cost; undefined when nobody knows. */
  cost: Cost | undefined;
}>;

const durationBounds = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const states = ["unreachable", "reachable", "loading", "ready"] as const;

/** The gateway's metrics; `render` is the body of GET /metrics. */
export class GatewayMetrics {
  readonly #requests = new Counter(
    "nexus_requests_total",
    "Requests that are over, by endpoint, upstream and HTTP status (499: the client left).",
  );
  readonly #durations = new Histogram(
    "nexus_request_duration_seconds",
    "From the first byte of a request to the last byte of its answer.",
    durationBounds,
  );
  readonly #firstBytes = new Histogram(
    "nexus_time_to_first_byte_seconds",
    "From the first byte of a request to the first byte of its answer.",
    durationBounds,
  );
  readonly #tokens = new Counter(
    "nexus_tokens_total",
    "Tokens as upstreams told them, or estimated where they told none.",
  );
  readonly #queueWaits = new Histogram(
    "nexus_queue_wait_seconds",
    "How long admitted requests waited for a slot.",
    durationBounds,
  );
  readonly #rejections = new Counter(
    "nexus_admission_rejected_total",
    "Requests refused for lack of a slot.",
  );
  readonly #brokenStreams = new Counter(
    "nexus_broken_streams_total",
    "Answers that broke off after their first byte.",
  );
  readonly #departures = new Counter(
    "nexus_client_disconnects_total",
    "Clients that left before their answer was complete.",
  );
  readonly #fallovers = new Counter(
    "nexus_fallbacks_total",
    "Requests that went on to the next candidate of an alias or model.",
  );
  readonly #authFailures = new Counter(
    "nexus_auth_failures_total",
    "Requests without a valid key.",
  );
  readonly #malformed = new Counter(
    "nexus_malformed_requests_total",
    "Connections closed because what came was no request, too large a one or too slow a one, by HTTP status.",
  );
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 });
  readonly #live: readonly Metric[];

  constructor(version: string, registry: Registry, backends: Backends, bodies: ByteBudget) {
    this.#loopDelay.enable();
    this.#live = [
      buildMetric(version),
      ...upstreamMetrics(registry, backends),
      new Gauge("nexus_buffered_bytes", "Bytes of request bodies held in memory.", () => [
        { labels: {}, value: bodies.used },
      ]),
      ...processMetrics(this.#loopDelay),
    ];
  }

  finish({ endpoint, upstream, status, seconds, cost }: FinishedRequest): void {
    this.#requests.add({ endpoint, upstream, status: String(status) });
    this.#durations.observe({ endpoint, upstream }, seconds);
    if (!cost) return;
    this.#tokens.add({ endpoint, upstream, type: "input" }, cost.input);
    this.#tokens.add({ endpoint, upstream, type: "output" }, cost.output);
  }

  firstByte(endpoint: string, upstream: string, seconds: number): void {
    this.#firstBytes.observe({ endpoint, upstream }, seconds);
  }

  admitted(upstream: string, waitedSeconds: number): void {
    this.#queueWaits.observe({ upstream }, waitedSeconds);
  }

  rejected(upstream: string, reason: string): void {
    this.#rejections.add({ upstream, reason });
  }

  brokenStream(upstream: string): void {
    this.#brokenStreams.add({ upstream });
  }

  departed(phase: "queued" | "waiting" | "streaming"): void {
    this.#departures.add({ phase });
  }

  fellOver(upstream: string): void {
    this.#fallovers.add({ from: upstream });
  }

  authFailed(reason: "missing" | "ambiguous" | "unknown" | "expired" | "scope"): void {
    this.#authFailures.add({ reason });
  }

  malformed(status: number): void {
    this.#malformed.add({ status: String(status) });
  }

  render(): string {
    return renderMetrics([
      this.#requests,
      this.#durations,
      this.#firstBytes,
      this.#tokens,
      this.#queueWaits,
      this.#rejections,
      this.#brokenStreams,
      this.#departures,
      this.#fallovers,
      this.#authFailures,
      this.#malformed,
      ...this.#live,
    ]);
  }

  stop(): void {
    this.#loopDelay.disable();
  }
}

function buildMetric(version: string): Metric {
  const labels = { version, node: process.versions.node };
  return new Gauge("nexus_build_info", "The running build.", () => [{ labels, value: 1 }]);
}

function upstreamMetrics(registry: Registry, backends: Backends): Metric[] {
  const monitors = () => [...registry.snapshot.monitors.values()];
  const each = (read: (monitor: ReturnType<typeof monitors>[number]) => number) => () =>
    monitors().map((one) => ({ labels: { upstream: one.upstream.id }, value: read(one) }));
  return [
    new Gauge(
      "nexus_in_flight",
      "Requests in flight.",
      each(({ backend }) => backend.inFlight),
    ),
    new Gauge(
      "nexus_in_flight_all",
      "Requests in flight over all upstreams, those being replaced included.",
      () => [{ labels: {}, value: backends.inFlight }],
    ),
    ...admissionMetrics(registry, backends),
    new Gauge("nexus_upstream_state", "1 for the state an upstream is in.", () =>
      monitors().flatMap(({ upstream, sighting }) =>
        states.map((state) => ({
          labels: { upstream: upstream.id, state },
          value: sighting.report.state === state ? 1 : 0,
        })),
      ),
    ),
  ];
}

function processMetrics(loopDelay: ReturnType<typeof monitorEventLoopDelay>): Metric[] {
  const alone = (read: () => number) => () => [{ labels: {}, value: read() }];
  const cpuSeconds = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const startedAt = performance.timeOrigin / 1000;
  return [
    new Gauge(
      "process_resident_memory_bytes",
      "Resident memory.",
      alone(() => process.memoryUsage.rss()),
    ),
    new Gauge("process_cpu_seconds_total", "CPU time used.", alone(cpuSeconds), "counter"),
    new Gauge(
      "process_start_time_seconds",
      "When the process started.",
      alone(() => startedAt),
    ),
    new Gauge("nodejs_eventloop_lag_seconds", "Delay of the event loop since the start.", () =>
      [50, 99].map((percentile) => ({
        labels: { quantile: String(percentile / 100) },
        value: loopDelay.percentile(percentile) / 1e9,
      })),
    ),
  ];
}
