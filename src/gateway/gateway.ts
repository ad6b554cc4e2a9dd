/** Puts the parts together and opens the doors. */
import { answerRequests, serverLimits } from "./door/api-server.ts";
import { secureDoor } from "./door/secure-door.ts";
import { ByteBudget } from "./door/byte-budget.ts";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { App } from "./app.ts";
import { Backends } from "./upstreams/backend.ts";
import { openControl, type ControlServer } from "./control/server.ts";
import type { Exchange } from "./api/exchange.ts";
import { shuttingDown } from "./api/failure.ts";
import { GatewayMetrics } from "./metrics/gateway-metrics.ts";
import { Peers } from "./door/peers.ts";
import { Allowances } from "./keys/allowances.ts";
import { KeyRing } from "./keys/key-ring.ts";
import type { Log } from "./metrics/log.ts";
import { serveObservability } from "./api/observability.ts";
import { ResponseOwners } from "./responses/owners.ts";
import { Registry } from "./upstreams/registry.ts";
import type { GatewaySettings } from "./settings.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { openLedger } from "./usage/open-ledger.ts";
import { openUsers } from "./users/open-users.ts";
import { version } from "./version.ts";

/** A gateway that serves. */
export type Gateway = Readonly<{
  apiPort: number;
  observabilityPort: number;
  /** Takes nothing new, lets what runs finish within the grace period, ends the rest with a reason, and closes. */
  close: () => Promise<void>;
}>;

/** Starts a gateway; resolves once both ports and the control channel accept connections. */
export async function startGateway(settings: GatewaySettings, log: Log): Promise<Gateway> {
  const state = { draining: false };
  const api = createServer(serverLimits(settings.door));
  const app = await assemble(settings, log, api, () => state.draining);
  answerRequests(api, app);
  const observability = createServer((request, response) => {
    serveObservability(app, request, response);
  });
  await app.registry.load();
  await app.certificates.load(app.registry.snapshot.config?.tls?.certificate);
  await app.telemetry.use(app.registry.snapshot.config);
  const apiPort = await listen(api, settings.apiPort, settings.host);
  const observabilityPort = await listen(observability, settings.observabilityPort, settings.host);
  const control = await openControl(app, { apiPort, observabilityPort });
  log("info", "gateway.listening", {
    version,
    api_port: apiPort,
    observability_port: observabilityPort,
    keys: app.keys.size,
  });
  let closed: Promise<void> | undefined;
  const close = () => {
    state.draining = true;
    closed ??= shutDown(app, [api, observability], control);
    return closed;
  };
  return { apiPort, observabilityPort, close };
}

async function assemble(
  settings: GatewaySettings,
  log: Log,
  api: Server,
  isDraining: () => boolean,
): Promise<App> {
  const backends = new Backends(settings);
  const registry = new Registry({ settings, backends, log });
  const keys = await openKeys(settings.keysFile, log);
  const bodies = new ByteBudget(settings.maxBufferedBytes);
  const allowances = new Allowances(() => ({ monotonic: performance.now(), wall: Date.now() }));
  const ledger = await openLedger({ settings, log, keys, allowances });
  const metrics = new GatewayMetrics(version, registry, backends, { bodies, ledger });
  const { door: limits, certificatesFolder: folder } = settings;
  const certificates = secureDoor(api, { limits, folder, metrics, log });
  const exchanges = new Set<Exchange>();
  const telemetry = new Telemetry({ version, everyMs: settings.otlpEveryMs, log, metrics });
  const spools = new ByteBudget(settings.upload.spoolBytes);
  const responses = new ResponseOwners();
  const people = await openUsers(settings, log);
  const held = { exchanges, bodies, spools, certificates, responses, peers: new Peers() };
  const parts = {
    keys,
    allowances,
    ledger,
    backends,
    registry,
    metrics,
    telemetry,
    ...people,
    ...held,
  };
  return { version, settings, log, ...parts, isDraining };
}

/** A file that cannot be read leaves the gateway without keys, and so closed; no key in it is lost. */
async function openKeys(file: string, log: Log): Promise<KeyRing> {
  try {
    return await KeyRing.open(file);
  } catch (error) {
    const reason = error instanceof Error ? error.name : "unknown";
    log("error", "keys.rejected", { reason });
    return KeyRing.besideUnread(file);
  }
}

function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** How long clients have to read the reason that their answer was cut. */
const lastWordsMs = 500;

async function shutDown(app: App, servers: readonly Server[], control: ControlServer) {
  app.log("info", "gateway.draining", { in_flight: app.exchanges.size });
  const [api] = servers;
  const closed = new Promise((resolve) => api?.close(resolve));
  // A kept-alive connection becomes idle when its last answer ends, and would hold the door open.
  const sweep = setInterval(() => api?.closeIdleConnections(), 50);
  await Promise.race([closed, delay(app.settings.graceMs, undefined, { ref: false })]);
  for (const exchange of app.exchanges) exchange.cut(shuttingDown());
  await Promise.race([closed, delay(lastWordsMs, undefined, { ref: false })]);
  clearInterval(sweep);
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await control.close();
  app.registry.stop();
  await app.backends.destroy();
  await app.telemetry.close();
  app.metrics.stop();
  app.ledger.close();
  app.log("info", "gateway.stopped");
}
