/** What every part of the running gateway works with. */
import type { Backends } from "./backend.ts";
import type { Exchange } from "./exchange.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { KeyRing } from "./keys.ts";
import type { Log } from "./log.ts";
import type { Registry } from "./registry.ts";
import type { GatewaySettings } from "./settings.ts";

/** The gateway's parts, made once by `startGateway`. */
export type App = Readonly<{
  version: string;
  settings: GatewaySettings;
  log: Log;
  keys: KeyRing;
  backends: Backends;
  registry: Registry;
  metrics: GatewayMetrics;
  /** The exchanges under way, so that a shutdown can end them honestly. */
  exchanges: Set<Exchange>;
  isDraining: () => boolean;
}>;
