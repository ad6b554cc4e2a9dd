/** What waits for a slot, and what runs under limits that services share. */
import type { Gate } from "../admission/gate.ts";
import type { Backends } from "../upstreams/backend.ts";
import type { Registry } from "../upstreams/registry.ts";
import { Gauge, type Metric } from "./metrics.ts";

/** Gauges of the gates in use. */
export function admissionMetrics(registry: Registry, backends: Backends): Metric[] {
  const gates = (read: (gate: Gate) => number) => () =>
    [...registry.snapshot.monitors].map(([upstream, { backend }]) => ({
      labels: [upstream] as const,
      value: read(backend.gate),
    }));
  const shared = (read: (limit: Backends["sharedLimits"][number]) => number) => () =>
    backends.sharedLimits.map((limit) => ({ labels: [limit.name] as const, value: read(limit) }));
  return [
    new Gauge(
      { name: "nexus_queue_depth", help: "Requests that wait for a slot.", labels: ["upstream"] },
      gates(({ queued }) => queued),
    ),
    new Gauge(
      {
        name: "nexus_queue_oldest_seconds",
        help: "How long the request that has waited longest for a slot has waited.",
        labels: ["upstream"],
      },
      gates(({ oldestMs }) => oldestMs / 1000),
    ),
    new Gauge(
      {
        name: "nexus_shared_limit_in_flight",
        help: "Requests in flight under a limit that services share, such as those on one GPU.",
        labels: ["limit"],
      },
      shared(({ running }) => running),
    ),
    new Gauge(
      {
        name: "nexus_shared_limit_queue_depth",
        help: "Requests that wait at services which share a limit.",
        labels: ["limit"],
      },
      shared(({ queued }) => queued),
    ),
    new Gauge(
      {
        name: "nexus_shared_limit",
        help: "Requests that services which share a limit work on at once, all together.",
        labels: ["limit"],
      },
      shared(({ limit }) => limit),
    ),
  ];
}
