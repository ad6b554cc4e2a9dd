/** Addresses that a key may be used from: single ones and ranges, of both versions of IP. */
import { BlockList, isIP, SocketAddress } from "node:net";

/** An address in its own family: IPv4 in IPv6's clothes is IPv4. */
export type Address = Readonly<{ family: "ipv4" | "ipv6"; text: string }>;

type Range = Address & Readonly<{ prefix: number }>;

const mapped = "::ffff:";
const mappedBits = 96;

/** Reads an address as sockets and people write it, a zone left out; undefined when it is none. */
export function readAddress(text: string): Address | undefined {
  const [bare = ""] = text.split("%", 1);
  if (isIP(bare) === 4) return { family: "ipv4", text: bare };
  if (isIP(bare) !== 6) return undefined;
  const { address } = new SocketAddress({ address: bare, family: "ipv6" });
  const inside = address.startsWith(mapped) ? address.slice(mapped.length) : "";
  if (isIP(inside) === 4) return { family: "ipv4", text: inside };
  return { family: "ipv6", text: address };
}

/** Whether a text is an address, or a range such as `10.0.0.0/8` or `fd00::/8`. */
export function isAddressRange(text: string): boolean {
  return readRange(text) !== undefined;
}

function readRange(text: string): Range | undefined {
  const [, before = "", digits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = readAddress(before);
  if (!address) return undefined;
  const bits = address.family === "ipv4" ? 32 : 128;
  if (digits === undefined) return { ...address, prefix: bits };
  const isMapped = address.family === "ipv4" && before.includes(":");
  const prefix = Number(digits) - (isMapped ? mappedBits : 0);
  return prefix >= 0 && prefix <= bits ? { ...address, prefix } : undefined;
}

/** Addresses and ranges, compiled; what is neither matches nothing. */
export class AddressList {
  /** Apart, because a range of IPv6 that holds the mapped addresses does not mean IPv4. */
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() };

  constructor(texts: readonly string[]) {
    for (const range of texts.map(readRange)) {
      if (range) this.#lists[range.family].addSubnet(range.text, range.prefix, range.family);
    }
  }

  has({ family, text }: Address): boolean {
    return this.#lists[family].check(text, family);
  }
}
