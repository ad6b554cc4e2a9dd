/** Address ranges of our own, for engines whose pools are used up. Pure. */
import { createHash } from "node:crypto";

/** How many ranges are tried before giving up. */
const attempts = 32;

/** Candidates of 10.213.0.0/16, each a /24: always the same order for the same name, those in use left out. */
export function subnetCandidates(name: string, used: readonly string[]): readonly string[] {
  const start = createHash("sha256").update(name).digest().readUInt8(0);
  const all = Array.from({ length: 256 }, (_, step) => `10.213.${(start + step) % 256}.0/24`);
  return all.filter((subnet) => !used.some((other) => overlaps(subnet, other))).slice(0, attempts);
}

/** True when two IPv4 ranges in CIDR notation share an address; anything else overlaps nothing. */
export function overlaps(left: string, right: string): boolean {
  const a = range(left);
  const b = range(right);
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last;
}

function range(cidr: string): Readonly<{ first: number; last: number }> | undefined {
  const [, address = "", bits = ""] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? [];
  if (address === "") return undefined;
  const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const first = value - (value % size);
  return { first, last: first + size - 1 };
}
