/** The observability port: metrics and the readiness of the whole stack, without keys; it is published on loopback only. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { App } from "../app.ts";
import { serviceMetadata, stackReadiness } from "./catalogue.ts";
import { metricsMediaType, renderMetrics } from "../metrics/text-format.ts";
import type { Monitor } from "../upstreams/monitor.ts";

type Document = Readonly<{ status: number; type?: string; body: string }>;

/** Answers a request on the observability port. */
export function serveObservability(
  app: App,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const isRead = request.method === "GET" || request.method === "HEAD";
  const { status, type, body } = isRead
    ? documentAt(app, (request.url ?? "/").split("?", 1)[0] ?? "/")
    : json(405, { error: { message: "Only GET is answered here.", code: "method_not_allowed" } });
  response.writeHead(status, {
    "content-type": type ?? "application/json",
    "content-length": Buffer.byteLength(body),
  });
  response.end(request.method === "HEAD" ? undefined : body);
  request.resume();
}

function documentAt(app: App, path: string): Document {
  const own = ownDocument(app, path);
  if (own) return own;
  const [, id = "", what = ""] = /^\/services\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const monitor = app.registry.snapshot.monitors.get(id);
  return (monitor && serviceDocument(monitor, what)) ?? nothingHere();
}

/** What the gateway tells of itself and of the stack. */
function ownDocument(app: App, path: string): Document | undefined {
  switch (path) {
    case "/health":
      return json(200, { status: "ok" });
    case "/metrics":
      return { status: 200, type: metricsMediaType, body: renderMetrics(app.metrics.read()) };
    case "/metrics/targets":
      return json(200, scrapeTargets(app));
    case "/readyz": {
      const readiness = stackReadiness(app);
      return json(readiness.status === "ready" ? 200 : 503, readiness);
    }
    default:
      return undefined;
  }
}

/** The services that have metrics of their own, as Prometheus's `http_sd_configs` asks for them. */
function scrapeTargets({ registry }: App): unknown {
  const upstreams = [...registry.snapshot.monitors.values()].map(({ upstream }) => upstream);
  return upstreams
    .filter(({ metrics_path: path }) => path !== undefined)
    .map(({ id, url, metrics_path: path }) => ({
      targets: [new URL(url).host],
      labels: {
        service: id,
        __metrics_path__: path,
        __scheme__: new URL(url).protocol.slice(0, -1),
      },
    }));
}

/** The contract of a service, the same for every service whether it speaks the contract or not. */
function serviceDocument(monitor: Monitor, what: string): Document | undefined {
  const { state, detail, missing_models: missing } = monitor.sighting.report;
  const ready = state === "ready";
  switch (what) {
    case "health": {
      const alive = state !== "unreachable";
      return json(alive ? 200 : 503, { status: alive ? "ok" : "unreachable", detail });
    }
    case "readyz": {
      const checks = { state, detail, missing_models: missing };
      return json(ready ? 200 : 503, { status: ready ? "ready" : "not_ready", checks });
    }
    case "v1/metadata":
      return json(200, serviceMetadata(monitor));
    default:
      return undefined;
  }
}

function nothingHere(): Document {
  const error = { message: "There is nothing at this path.", code: "unknown_url" };
  return json(404, { error });
}

function json(status: number, document: unknown): Document {
  return { status, body: JSON.stringify(document) };
}
