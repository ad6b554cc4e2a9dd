/** What the gateway can know of where its clients are: engines differ in whose address a published port shows. Pure. */
import type { EngineDescription } from "../engine/engine.ts";
import type { GatewayConfig } from "../gateway/config.ts";
import type { StackReadiness } from "../gateway/protocol.ts";
import type { Stack } from "../stack/stack.ts";

type Seer = Pick<EngineDescription, "local" | "rootless" | "virtualMachine">;

/** How the gateway is to take the addresses of its clients; undefined where they say nothing (docs/adr/0019). */
export function clientsOf({ gateway: { host } }: Stack, engine: Seer): GatewayConfig["clients"] {
  if (host === "::1" || host.startsWith("127.")) return "here";
  // A network of IPv4 gets its clients of IPv6 through a proxy of the engine's, which is all that can be seen of them.
  const isPassedOn = engine.local && !engine.rootless && !engine.virtualMachine;
  return isPassedOn && !host.includes(":") ? "seen" : undefined;
}

/** What a person has to know whose keys are limited to addresses that this gateway cannot see; undefined for nothing. */
export function unseenWarning(
  clients: GatewayConfig["clients"],
  readiness: Pick<StackReadiness, "keys_from_addresses"> | undefined,
): string | undefined {
  const keys = readiness?.keys_from_addresses ?? 0;
  if (clients !== undefined || keys === 0) return undefined;
  const which = keys === 1 ? "1 key is" : `${keys} keys are`;
  return `${which} limited to addresses and refused: behind this engine the gateway cannot see where requests come from. Set \`gateway.host\` to 127.0.0.1, or lift the limit with \`nexus keys edit <name> --allow-ip all\``;
}
