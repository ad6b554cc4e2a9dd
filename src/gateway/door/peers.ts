/** Who is at the other end of a connection, told by the networks that this machine, or container, is in. */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { AddressList, readAddress } from "../keys/addresses.ts";
import type { Peer } from "../keys/origin.ts";
import { gatewaysIn4, gatewaysIn6 } from "./route-table.ts";

/** The networks around: where they lead out, and who is in them. */
export type Surroundings = Readonly<{
  /** Addresses of the engine's bridges, and the container's own. */
  engine: readonly string[];
  /** The networks themselves, as ranges. */
  networks: readonly string[];
}>;

/** Looks around; networks come and go, so each connection is judged by those of its time. */
export function lookAround(): Surroundings {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal);
  const routes = [...gatewaysIn4(read("route")), ...gatewaysIn6(read("ipv6_route"))];
  return {
    engine: [...own.map(({ address }) => address), ...routes],
    networks: own.flatMap(({ cidr }) => cidr ?? []),
  };
}

/** Only Linux has it. */
function read(table: string): string {
  try {
    return readFileSync(`/proc/net/${table}`, "latin1");
  } catch {
    return "";
  }
}

/** Judges the other end of a connection by what is around. */
export function peerAt(remoteAddress: string | undefined, around: Surroundings): Peer {
  const address = remoteAddress === undefined ? undefined : readAddress(remoteAddress);
  if (!address) return { kind: "elsewhere", address };
  if (new AddressList(around.engine).has(address)) return { kind: "engine", address };
  const isNear = new AddressList(around.networks).has(address);
  return { kind: isNear ? "container" : "elsewhere", address };
}

/** The peers of connections; each is looked at once, and only when somebody asks. */
export class Peers {
  readonly #known = new WeakMap<Socket, Peer>();

  of(socket: Socket): Peer {
    const known = this.#known.get(socket);
    if (known) return known;
    const peer = peerAt(socket.remoteAddress, lookAround());
    this.#known.set(socket, peer);
    return peer;
  }
}
