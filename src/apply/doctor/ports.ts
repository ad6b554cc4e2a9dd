/** Looks at the ports that a stack publishes: free, ours, or somebody else's. */
import { createServer } from "node:net";
import type { EngineDescription, ForeignContainer, Observed } from "../../engine/engine.ts";
import { exitCodes } from "../../errors.ts";
import { gatewayBlueprint } from "../../plan/container-request.ts";
import type { PortBinding, Stack } from "../../stack/stack.ts";
import { broken, type Check, fine } from "./check.ts";

/** One port, and who wants it. */
type Wanted = Readonly<{ service: string; port: PortBinding }>;

/** Every port of the stack. Ports of a remote engine are compared with its containers only. */
export async function checkPorts(
  stack: Stack,
  observed: Observed,
  { local }: EngineDescription,
): Promise<readonly Check[]> {
  const wanted = wantedPorts(stack);
  const found = await Promise.all(wanted.map(async (each) => conflictOf(each, observed, local)));
  const conflicts = found.filter((check) => check !== undefined);
  if (conflicts.length > 0) return conflicts;
  const list = wanted.map(({ port }) => `${port.hostIp}:${String(port.hostPort)}`).join(", ");
  return [fine("ports", `free or ours: ${list}`)];
}

function wantedPorts(stack: Stack): readonly Wanted[] {
  const services = stack.services.flatMap((service) =>
    service.kind === "container"
      ? service.ports.map((port) => ({ service: service.name, port }))
      : [],
  );
  const { ports } = gatewayBlueprint(stack, "");
  return [...ports.map((port) => ({ service: "gateway", port })), ...services];
}

async function conflictOf(
  { service, port }: Wanted,
  { containers, foreign }: Observed,
  local: boolean,
): Promise<Check | undefined> {
  if (
    containers.some(
      ({ state, ports }) => state === "running" && ports.some((held) => overlaps(held, port)),
    )
  ) {
    return undefined;
  }
  const holder = foreign.find(
    ({ running, ports }) => running && ports.some((held) => overlaps(held, port)),
  );
  const taken = holder !== undefined || (local && port.protocol === "tcp" && (await isTaken(port)));
  if (!taken) return undefined;
  const fix = `Stop it, or set another port for ${service} in the stack file.`;
  return broken(
    "ports",
    `${service} wants ${port.hostIp}:${String(port.hostPort)}, and ${describe(holder)} has it`,
    fix,
    exitCodes.conflict,
  );
}

function describe(holder: ForeignContainer | undefined): string {
  if (holder === undefined) return "another program";
  return `the container ${holder.name}${holder.owner === undefined ? "" : ` of ${holder.owner}`}`;
}

/** A wildcard address takes the port on every address. */
export function overlaps(one: PortBinding, other: PortBinding): boolean {
  if (one.hostPort !== other.hostPort || one.protocol !== other.protocol) return false;
  return (
    [one.hostIp, other.hostIp].some((ip) => ["", "0.0.0.0", "::"].includes(ip)) ||
    one.hostIp === other.hostIp
  );
}

/** Tries to listen, and lets go at once. Only an address in use counts: other refusals are the engine's to judge. */
async function isTaken({ hostIp, hostPort }: PortBinding): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", (error) => {
    resolve("code" in error && error.code === "EADDRINUSE");
  });
  server.listen({ host: hostIp || "0.0.0.0", port: hostPort, exclusive: true }, () => {
    server.close(() => {
      resolve(false);
    });
  });
  return promise;
}
