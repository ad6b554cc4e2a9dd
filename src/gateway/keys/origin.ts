/** Where a request comes from, as far as its connection tells: headers that say so are anybody's to write. Pure. */
import type { GatewayConfig } from "../config.ts";
import type { Address, AddressList } from "./addresses.ts";

/**
 * Who a connection's other end is, seen from the gateway's container: the engine itself (its bridge, or an address of the
 * container's own), another container, or an address that came through unchanged.
 */
export type Peer = Readonly<{
  kind: "engine" | "container" | "elsewhere";
  address: Address | undefined;
}>;

/** Whether a key's list lets a request in; `unseen` where nobody can tell where requests come from. */
export type Entry = "listed" | "unlisted" | "unseen";

const thisMachine: readonly Address[] = [
  { family: "ipv4", text: "127.0.0.1" },
  { family: "ipv6", text: "::1" },
];

/** Judges a peer by a list, given what the configuration says of clients (docs/adr/0019-where-requests-come-from.md). */
export function judgeOrigin(
  list: AddressList,
  peer: Peer,
  clients: GatewayConfig["clients"],
): Entry {
  if (clients !== "here" && clients !== "seen") return "unseen";
  const addresses = isHere(peer, clients) ? thisMachine : [peer.address];
  return addresses.some((one) => one && list.has(one)) ? "listed" : "unlisted";
}

/** The engine speaks for this machine where strangers reach the gateway as themselves, or not at all. */
function isHere({ kind }: Peer, clients: "here" | "seen"): boolean {
  return kind === "engine" || (clients === "here" && kind === "elsewhere");
}
