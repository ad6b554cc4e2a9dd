/** Where attempts come from. */
import { isIPv6 } from "node:net";

const mapped = /^::ffff:(?=\d+\.)/i;

/** One name for all addresses that one peer can choose among: an IPv4 address, or the first 64 bits of an IPv6 one. */
export function peerOf(address: string | undefined): string {
  const plain = (address ?? "").replace(mapped, "").split("%", 1)[0] ?? "";
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.toLowerCase().split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length);
  const all = [...groups, ...Array<string>(missing).fill("0"), ...rest];
  const network = all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${network.join(":")}::/64`;
}
