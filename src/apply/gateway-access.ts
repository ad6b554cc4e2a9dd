/** The running gateway of a stack, for commands that talk to it. */
import type { Engine, ObservedContainer } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { openGatewayLink, type GatewayLink } from "../readiness/gateway-link.ts";

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
