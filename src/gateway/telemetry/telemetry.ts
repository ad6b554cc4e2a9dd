/** Sends traces and metrics to a collector where the configuration names one. Without one nothing of OpenTelemetry is even loaded. */
import type { GatewayConfig } from "../config.ts";
import type { Log } from "../metrics/log.ts";
import type { Family } from "../metrics/metrics.ts";
import type { Export, RequestSpan } from "./otlp.ts";
import { readTraceparent, type TraceContext } from "./traceparent.ts";

/** What telemetry is made from. */
export type TelemetrySource = Readonly<{
  version: string;
  /** Pause between two exports, in milliseconds. */
  everyMs: number;
  log: Log;
  metrics: Readonly<{ read: () => readonly Family[] }>;
}>;

/** The telemetry of a running gateway. */
export class Telemetry {
  readonly #source: TelemetrySource;
  #export: Export | undefined;
  #endpoint: string | undefined;
  #changing: Promise<void> = Promise.resolve();
  #closing: Promise<void> = Promise.resolve();

  constructor(source: TelemetrySource) {
    this.#source = source;
  }

  /** Exports to where a configuration says from now on; a collector that does not answer never disturbs a request. */
  use(config: GatewayConfig | undefined): Promise<void> {
    const endpoint = config?.otlp?.endpoint;
    this.#changing = this.#changing.then(() => this.#change(endpoint, config?.stack ?? ""));
    return this.#changing;
  }

  /** Begins the span of a request, below the client's own where it sent a valid `traceparent`; undefined without a collector. */
  begin(name: string, traceparent: string | undefined): RequestSpan | undefined {
    return this.#export?.begin(name, parentOf(traceparent));
  }

  /** Sends what is left, as far as the collector takes it within a moment, and stops. */
  async close(): Promise<void> {
    await this.use(undefined);
    await this.#closing;
  }

  async #change(endpoint: string | undefined, stack: string): Promise<void> {
    if (endpoint === this.#endpoint) return;
    const before = this.#export;
    this.#export = undefined;
    this.#endpoint = endpoint;
    // A collector that is gone must not hold up the configuration that names another.
    if (before) this.#closing = before.close();
    if (endpoint === undefined) return;
    const { startExport } = await import("./otlp.ts");
    this.#export = startExport(this.#source, { endpoint, stack });
    this.#source.log("info", "telemetry.exporting");
  }
}

/** What a request goes on with where nothing is exported: the client's header, if it is one. */
export function validTraceparent(text: string | undefined): string | undefined {
  return parentOf(text) && text;
}

function parentOf(traceparent: string | undefined): TraceContext | undefined {
  return traceparent === undefined ? undefined : readTraceparent(traceparent);
}
