/** Default gateways in Linux's tables of routes (https://man7.org/linux/man-pages/man5/proc_pid_net.5.html). Pure. */

/** In `/proc/net/route`: a line an interface, addresses in hex as the machine keeps them, lowest byte first. */
export function gatewaysIn4(table: string): string[] {
  return linesOf(table).flatMap(([, destination, gateway = ""]) =>
    destination === "00000000" && /^[\dA-F]{8}$/i.test(gateway) && gateway !== "00000000"
      ? [bytesOf(gateway).toReversed().join(".")]
      : [],
  );
}

/** In `/proc/net/ipv6_route`: destination, its prefix, source, its prefix, next hop; all hex, highest byte first. */
export function gatewaysIn6(table: string): string[] {
  return linesOf(table).flatMap(([destination = "", prefix, , , hop = ""]) =>
    /^0{32}$/.test(destination) && prefix === "00" && /^(?!0{32})[\da-f]{32}$/i.test(hop)
      ? [(hop.match(/.{4}/g) ?? []).join(":")]
      : [],
  );
}

function linesOf(table: string): string[][] {
  return table.split("\n").map((line) => line.trim().split(/\s+/));
}

function bytesOf(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
}
