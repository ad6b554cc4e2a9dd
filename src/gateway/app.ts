/** What every part of the running gateway works with. */
import type { Certificates } from "./door/certificate.ts";
import type { ByteBudget } from "./door/byte-budget.ts";
import type { Peers } from "./door/peers.ts";
import type { Backends } from "./upstreams/backend.ts";
import type { Exchange } from "./api/exchange.ts";
import type { GatewayMetrics } from "./metrics/gateway-metrics.ts";
import type { Allowances } from "./keys/allowances.ts";
import type { KeyRing } from "./keys/key-ring.ts";
import type { Log } from "./metrics/log.ts";
import type { ResponseOwners } from "./responses/owners.ts";
import type { Registry } from "./upstreams/registry.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import type { Ledger } from "./usage/ledger.ts";
import type { FrontDesk } from "./users/front-desk.ts";
import type { UserBook } from "./users/user-book.ts";
import type { GatewaySettings } from "./settings.ts";

/** The gateway's parts, made once by `startGateway`. */
export type App = Readonly<{
  version: string;
  settings: GatewaySettings;
  log: Log;
  keys: KeyRing;
  users: UserBook;
  /** Where users log in. */
  frontDesk: FrontDesk;
  /** Who is at the other end of each connection. */
  peers: Peers;
  /** What each key may still use. */
  allowances: Allowances;
  ledger: Ledger;
  backends: Backends;
  registry: Registry;
  metrics: GatewayMetrics;
  telemetry: Telemetry;
  /** The certificate of the API port. */
  certificates: Certificates;
  /** The room for request bodies in memory. */
  bodies: ByteBudget;
  /** Who made the responses that services keep. */
  responses: ResponseOwners;
  /** The room on disk for uploads that do not say early enough where they belong. */
  spools: ByteBudget;
  /** The exchanges under way, so that a shutdown can end them honestly. */
  exchanges: Set<Exchange>;
  isDraining: () => boolean;
}>;
