/** Exports over OTLP/HTTP. Loaded only where a collector is configured: the libraries cost start-up time and memory. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Attributes } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { metricProducer } from "./otlp-metrics.ts";
import type { TelemetrySource } from "./telemetry.ts";
import { writeTraceparent, type TraceContext } from "./traceparent.ts";

/** The span of one request. */
export type RequestSpan = Readonly<{
  /** The header that upstreams get: what they do belongs below this span. */
  traceparent: string;
  /** Ends the span; 5xx is a failure. */
  end: (status: number, attributes: Attributes) => void;
}>;

/** A running export. */
export type Export = Readonly<{
  begin: (name: string, parent: TraceContext | undefined) => RequestSpan;
  /** Sends what is left, or gives up after a moment. */
  close: () => Promise<void>;
}>;

/** A collector that takes longer than this is not waited for. */
const timeoutMillis = 2_000;

/** Starts to export spans and metrics to a collector, such as `http://collector:4318`. */
export function startExport(
  { version, everyMs, metrics }: TelemetrySource,
  { endpoint, stack }: Readonly<{ endpoint: string; stack: string }>,
): Export {
  const resource = resourceFromAttributes({
    "service.name": "nexus-gateway",
    "service.namespace": stack,
    "service.version": version,
  });
  const to = (signal: string) => ({
    url: `${endpoint.replace(/\/+$/, "")}/v1/${signal}`,
    timeoutMillis,
  });
  const spans = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter(to("traces")),
    scheduledDelayMillis: everyMs,
    exportTimeoutMillis: timeoutMillis,
  });
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(to("metrics")),
    exportIntervalMillis: everyMs,
    exportTimeoutMillis: Math.min(timeoutMillis, everyMs),
    metricProducers: [metricProducer(() => metrics.read(), resource)],
  });
  const meters = new MeterProvider({ resource, readers: [reader] });
  const tracers = new TracerProvider({ resource, spanProcessors: [spans] });
  const tracer = tracers.getTracer("nexus-gateway", version);
  const close = async () => {
    await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
  };
  return { begin: (name, parent) => beginSpan(tracer, name, parent), close };
}

function beginSpan(
  tracer: ReturnType<TracerProvider["getTracer"]>,
  name: string,
  parent: TraceContext | undefined,
): RequestSpan {
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, contextBelow(parent));
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: writeTraceparent({ traceId, spanId, flags: traceFlags }),
    end: (status, attributes) => {
      span.setAttributes(attributes);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

function contextBelow(parent: TraceContext | undefined): typeof ROOT_CONTEXT {
  if (!parent) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}
