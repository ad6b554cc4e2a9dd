/** The running gateway of a stack, for commands that talk to it. */
import type { Engine, Observed, ObservedContainer } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { gatewayPaths } from "../gateway/config.ts";
import type { StackReadiness } from "../gateway/protocol.ts";
import { openGatewayLink, type GatewayLink } from "../readiness/gateway-link.ts";
import { readStackReadiness } from "../readiness/stack-readiness.ts";

/** The stack's gateway does not run, and the command needs it. */
export class GatewayNotRunningError extends NexusError {
  readonly code = "NEXUS_GATEWAY_NOT_RUNNING";
  readonly exitCode = exitCodes.notReady;
  readonly remedy = "Start the stack with `nexus up`, then run this again.";
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(stack: string) {
    super(`The gateway of the stack ${stack} is not running.`);
    this.details = { stack };
  }
}

/** The container of the gateway that serves now: the newest that runs. Throws GatewayNotRunningError. */
export async function findGateway(engine: Engine, stack: string): Promise<ObservedContainer> {
  const { containers } = await engine.observe(stack, []);
  const gateway = newestRunning(containers.filter(({ identity }) => identity?.role === "gateway"));
  if (gateway === undefined) throw new GatewayNotRunningError(stack);
  return gateway;
}

/** The newest generation that runs, or undefined. */
export function newestRunning(
  containers: readonly ObservedContainer[],
): ObservedContainer | undefined {
  return containers
    .filter(({ state }) => state === "running")
    .toSorted((a, b) => (b.identity?.generation ?? 0) - (a.identity?.generation ?? 0))[0];
}

/** Opens the gateway's control channel, uses it and closes it. */
export async function withGateway<Result>(
  engine: Engine,
  stack: string,
  use: (link: GatewayLink) => Promise<Result>,
): Promise<Result> {
  const gateway = await findGateway(engine, stack);
  await using link = await openGatewayLink(engine, gateway.id);
  return await use(link);
}

/** The gateway's view of the stack; undefined when no gateway runs or it does not answer. */
export async function askGateway(
  engine: Engine,
  { containers }: Pick<Observed, "containers">,
): Promise<StackReadiness | undefined> {
  const gateway = newestRunning(containers.filter(({ identity }) => identity?.role === "gateway"));
  if (gateway === undefined) return undefined;
  return (await askPublishedPort(gateway)) ?? (await askThroughEngine(engine, gateway.id));
}

/** The view of the stack over the gateway's published port; undefined when that port does not lead to this gateway. */
export async function askPublishedPort(
  gateway: ObservedContainer,
): Promise<StackReadiness | undefined> {
  const published = gateway.ports.find(
    ({ containerPort }) => containerPort === gatewayPaths.observabilityPort,
  );
  if (published === undefined) return undefined;
  const { hostIp: host, hostPort: observabilityPort } = published;
  const readiness = await readStackReadiness({ host, observabilityPort, timeoutMs: 2000 });
  return speaksFor(readiness, gateway) ? readiness : undefined;
}

/** The same port here may lead to another engine's gateway, even to one of a stack of the same name. */
function speaksFor(readiness: StackReadiness | undefined, { id }: ObservedContainer): boolean {
  const container = readiness?.container ?? "";
  return container !== "" && id.startsWith(container);
}

/** The view of the stack over the control channel; undefined when there is none. The port is out of reach on remote engines and in virtual machines; the engine's exec is not. */
export async function askThroughEngine(
  engine: Engine,
  gatewayId: string,
): Promise<StackReadiness | undefined> {
  const signal = AbortSignal.timeout(10_000);
  try {
    await using link = await openGatewayLink(engine, gatewayId, signal);
    return await link.call({ op: "status" }, { signal });
  } catch {
    return undefined;
  }
}
