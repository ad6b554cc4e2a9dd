/** The metrics that are read off the running gateway when somebody looks. */
import type { monitorEventLoopDelay } from "node:perf_hooks";
import type { Backends } from "../upstreams/backend.ts";
import type { Monitor } from "../upstreams/monitor.ts";
import type { Registry } from "../upstreams/registry.ts";
import type { LedgerState } from "../protocol.ts";
import { admissionMetrics } from "./admission-metrics.ts";
import { Gauge, type Metric } from "./metrics.ts";

const states = ["unreachable", "reachable", "loading", "ready"] as const;

/** The running build, as labels. */
export function buildMetric(version: string): Metric {
  const naming = {
    name: "nexus_build_info",
    help: "1, with the running build in its labels.",
    labels: ["version", "node"],
  } as const;
  return new Gauge(naming, () => [{ labels: [version, process.versions.node], value: 1 }]);
}

/** What is in memory for a while. */
export type Held = Readonly<{
  bodies: Readonly<{ used: number }>;
  ledger: Readonly<{ state: LedgerState }>;
}>;

/** How much of the budget for request bodies is taken, and what the books could not write. */
export function heldMetrics({ bodies, ledger }: Held): readonly Metric[] {
  const { buffered, kept, unwritten } = heldHelp;
  return [
    alone("nexus_buffered_bytes", buffered, () => bodies.used),
    alone("nexus_usage_kept", kept, () => (ledger.state.state === "kept" ? 1 : 0)),
    alone("nexus_usage_unwritten_requests", unwritten, () => ledger.state.unwritten),
  ];
}

const heldHelp = {
  buffered: "Bytes of request bodies held in memory.",
  kept: "1 when who used what reaches the disk, 0 when the disk does not take it.",
  unwritten: "Requests whose usage is in memory only.",
};

/** What upstreams are doing. */
export function upstreamMetrics(registry: Registry, backends: Backends): readonly Metric[] {
  const monitors = () => [...registry.snapshot.monitors.values()];
  const perUpstream = (name: string, help: string, read: (monitor: Monitor) => number) =>
    new Gauge({ name, help, labels: ["upstream"] }, () =>
      monitors().map((one) => ({ labels: [one.upstream.id], value: read(one) })),
    );
  const { inFlight, up, setBack } = perUpstreamHelp;
  return [
    perUpstream("nexus_in_flight", inFlight, ({ backend }) => backend.inFlight),
    alone("nexus_in_flight_all", perUpstreamHelp.inFlightAll, () => backends.inFlight),
    ...admissionMetrics(registry, backends),
    perUpstream("nexus_upstream_up", up, ({ ready }) => (ready ? 1 : 0)),
    perUpstream("nexus_upstream_set_back", setBack, ({ backend }) =>
      backend.health.setBack ? 1 : 0,
    ),
    new Gauge(
      {
        name: "nexus_upstream_state",
        help: "1 for the state an upstream is in, 0 for the others.",
        labels: ["upstream", "state"],
      },
      () =>
        monitors().flatMap(({ upstream, sighting }) =>
          states.map((state) => ({
            labels: [upstream.id, state] as const,
            value: sighting.report.state === state ? 1 : 0,
          })),
        ),
    ),
  ];
}

const perUpstreamHelp = {
  inFlight: "Requests in flight, queued ones included.",
  inFlightAll: "Requests in flight over all upstreams, those being replaced included.",
  setBack: "1 while an upstream fares so badly that others are asked before it.",
  up: "1 when an upstream is ready, otherwise 0.",
};

/** What the process uses. */
export function processMetrics(
  loopDelay: ReturnType<typeof monitorEventLoopDelay>,
): readonly Metric[] {
  const startedAt = performance.timeOrigin / 1000;
  const cpu = {
    name: "process_cpu_seconds_total",
    help: "CPU time used, user and system.",
    labels: [],
  };
  const lag = {
    name: "nodejs_eventloop_lag_seconds",
    help: "Delay of the event loop since the start, by quantile.",
    labels: ["quantile"],
  } as const;
  return [
    alone("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss()),
    new Gauge(cpu, () => [{ labels: [], value: cpuSeconds() }], "counter"),
    alone("process_start_time_seconds", "When the process started.", () => startedAt),
    new Gauge(lag, () =>
      [50, 99].map((percentile) => ({
        labels: [String(percentile / 100)] as const,
        value: loopDelay.percentile(percentile) / 1e9,
      })),
    ),
  ];
}

function alone(name: string, help: string, read: () => number): Metric {
  return new Gauge({ name, help, labels: [] }, () => [{ labels: [], value: read() }]);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
