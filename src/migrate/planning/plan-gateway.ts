/** Where the gateway listens in place of the old one, and what stands in the way. Pure. */
import type { FoundGateway } from "../inventory.ts";
import type { Decision, PortConflict } from "../migration-plan.ts";
import type { Found } from "../reading.ts";
import { hostNamed, isEverywhere, isLoopback, type Scene, type Told } from "./scene.ts";

/** The gateway's part of the stack file. */
export type GatewayPart = Readonly<{
  keys: Readonly<{
    port: number;
    observability_port: number;
    host?: string;
    tls?: Readonly<{ cert: string; key: string }>;
  }>;
  conflicts: readonly PortConflict[];
}> &
  Told;

/** Where the pair of the old gateway lies in the stack's folder; git never takes what is below `.nexus`. */
export const tlsFiles = {
  cert: ".nexus/tls/gateway.crt",
  key: ".nexus/tls/gateway.key",
} as const;

/** Works it out. */
export function planGateway(scene: Scene): GatewayPart {
  const { gateway } = scene.inventory;
  const { api, watched } = portsOf(scene);
  const host = hostOf(gateway, scene);
  const conflicts = [api, watched].flatMap(({ conflict }) => conflict ?? []);
  return {
    keys: {
      ...(host.host !== undefined && { host: host.host }),
      port: api.port,
      observability_port: watched.port,
      ...(gateway?.tls && { tls: tlsFiles }),
    },
    conflicts,
    decisions: [...conflicts.flatMap(portDecision), ...(host.decisions ?? [])],
    warnings: [...(host.warnings ?? []), ...observabilityWarnings(gateway)],
    obstacles: conflicts.flatMap(portObstacle),
  };
}

type FreePort = Readonly<{ port: number; conflict?: PortConflict }>;

function portsOf(scene: Scene): Readonly<{ api: FreePort; watched: FreePort }> {
  const { gateway } = scene.inventory;
  const chosen = scene.choices.gatewayPort;
  const api = freePort(chosen ?? gateway?.listens.port ?? 8800, "the gateway", {
    scene,
    besides: [],
    fixed: chosen !== undefined,
  });
  const watched = freePort(gateway?.observability?.port ?? 8801, "its observability port", {
    scene,
    besides: [api.port],
    fixed: false,
  });
  return { api, watched };
}

function portObstacle({ port, heldBy, instead }: PortConflict): readonly string[] {
  if (instead !== undefined) return [];
  return [
    `Port ${String(port)} is held by ${heldBy}: stop that, or choose another one with --gateway-port.`,
  ];
}

function freePort(
  wanted: number,
  what: string,
  { scene, besides, fixed }: Readonly<{ scene: Scene; besides: readonly number[]; fixed: boolean }>,
): FreePort {
  const held = new Map(scene.target.ports.map(({ port, heldBy }) => [port, heldBy]));
  const isFree = (port: number): boolean => !held.has(port) && !besides.includes(port);
  if (isFree(wanted)) return { port: wanted };
  const heldBy = besides.includes(wanted) ? "the gateway" : (held.get(wanted) ?? "another program");
  const conflict = { port: wanted, heldBy, for: what };
  if (fixed) return { port: wanted, conflict };
  const instead = nextFree(wanted, isFree);
  return instead === undefined
    ? { port: wanted, conflict }
    : { port: instead, conflict: { ...conflict, instead } };
}

function nextFree(wanted: number, isFree: (port: number) => boolean): number | undefined {
  const near = [wanted + 1, 8800].flatMap((first) =>
    Array.from({ length: 100 }, (_, index) => first + index),
  );
  return near.find((port) => port <= 65_535 && isFree(port));
}

function portDecision({ port, heldBy, for: what, instead }: PortConflict): readonly Decision[] {
  if (instead === undefined) return [];
  const api = what === "the gateway";
  return [
    {
      id: api ? "gateway-port" : "observability-port",
      question: `Which port shall ${what} have, while ${String(port)} is held by ${heldBy}?`,
      assumed: `${String(instead)}${api ? "; clients go on with the old gateway until it is stopped" : ""}`,
      otherwise: api
        ? `give one with \`--gateway-port\`; or, once the old gateway is stopped, write \`port: ${String(port)}\` into the stack file and run \`nexus up\``
        : `write \`observability_port\` into the stack file and run \`nexus up\``,
    },
  ];
}

/** Loopback stays loopback; every interface only where it was; an address only where the machine has it. */
function hostOf(
  gateway: FoundGateway | undefined,
  scene: Scene,
): Readonly<{ host?: string }> & Told {
  const address = gateway?.listens.address.replace(/^\[(.*)\]$/, "$1");
  if (!gateway || address === undefined || isLoopback(address)) return {};
  const { at } = gateway;
  if (isEverywhere(address))
    return {
      host: address === "::" ? "::" : "0.0.0.0",
      warnings: [
        {
          value:
            "THE GATEWAY LISTENS ON ALL ADDRESSES, as it did: whoever reaches this machine reaches it, and firewall rules for INPUT do not hold for published ports. Take `host` out of the stack file to have it on 127.0.0.1 only.",
          at,
        },
      ],
    };
  const own = hostNamed(gateway.host, scene)?.live === true && isAddress(address);
  if (own) return { host: address };
  return { decisions: [hostDecision(address)] };
}

function hostDecision(address: string): Decision {
  return {
    id: "gateway-host",
    question: `The old gateway listened on ${address}, an address of its own machine. Where shall this one listen?`,
    assumed: "127.0.0.1, which only this machine reaches",
    otherwise: "write `host:` with an address of this machine into the stack file",
  };
}

function isAddress(text: string): boolean {
  return (
    /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) || (text.includes(":") && /^[\da-f:.]+$/i.test(text))
  );
}

function observabilityWarnings(gateway: FoundGateway | undefined): readonly Found<string>[] {
  if (!gateway?.observability || isLoopback(gateway.observability.address)) return [];
  return [
    {
      value:
        "The old gateway showed its metrics to other machines; this one does so on 127.0.0.1 only.",
      at: gateway.at,
    },
  ];
}
