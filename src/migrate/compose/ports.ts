/** Published ports, from every form that Compose has. Pure. */
import { isRecord } from "../../stack/record.ts";
import { wordOf } from "./fill.ts";
import type { Draft, Entry } from "./draft.ts";
import { entriesAt } from "./draft.ts";

/** Most ports that one range is written out for. */
const mostOfRange = 100;

/** Converts `ports`; a range becomes one entry a port. */
export function convertPorts(draft: Draft): void {
  for (const entry of entriesAt(draft.raw["ports"], draft.seen["ports"], ["ports"])) {
    draft.keepEach(
      "ports",
      isRecord(entry.seen) ? longPort(draft, entry) : shortPort(draft, entry),
    );
  }
}

const everywhere =
  "was open to the network: it is published on 127.0.0.1 now; write 0.0.0.0 in front of it if others are to reach it";
const random = "had whatever port was free: it is not published now; name one, or use the gateway";

function shortPort(draft: Draft, { raw, seen, from }: Entry): readonly Entry[] {
  const match = /^(?:(\[[^\]]+\]|\d+\.\d+\.\d+\.\d+):)?(?:([\d-]*):)?([\d-]+)(\/\w+)?$/.exec(
    wordOf(seen),
  );
  if (!match) return [{ raw, seen, from }];
  const [, ip, published = "", target = "", protocol = ""] = match;
  if (published === "") {
    draft.note("left-out", from, random);
    return [];
  }
  if (ip === undefined) draft.note("decide", from, everywhere);
  if (!`${published}${target}`.includes("-")) return [{ raw, seen, from }];
  const pairs = ranges(published, target);
  if (pairs.length === 0)
    draft.note("left-out", from, "is a range that does not fit, or one of more than 100 ports");
  return pairs.map(([outside, inside]) => {
    const written = `${ip === undefined ? "" : `${ip}:`}${outside}:${inside}${protocol}`;
    return { raw: written, seen: written, from };
  });
}

/** None where the two do not fit. */
function ranges(outside: string, inside: string): readonly (readonly [number, number])[] {
  const [low = 0, high = low] = outside.split("-").map(Number);
  const [first = 0, last = first] = inside.split("-").map(Number);
  const count = last - first + 1;
  if (high - low + 1 !== count || count < 1 || count > mostOfRange) return [];
  return Array.from({ length: count }, (_, index) => [low + index, first + index]);
}

const portKeys = new Set(["target", "published", "host_ip", "protocol"]);

function longPort(draft: Draft, { raw, seen, from }: Entry): readonly Entry[] {
  if (!isRecord(seen) || !isRecord(raw)) return [];
  for (const key of Object.keys(seen).filter(
    (name) => !portKeys.has(name) && name !== "mode" && name !== "name",
  ))
    draft.note("left-out", [...from, key], "Nexus does not know this key of a port");
  const { published, target, host_ip: ip, protocol = "tcp" } = seen;
  if (published === undefined || published === "") {
    draft.note("left-out", from, random);
    return [];
  }
  if (/-/.test(wordOf(published))) {
    draft.note("left-out", from, "is a range: write one entry for each port");
    return [];
  }
  if (ip === undefined) draft.note("decide", from, everywhere);
  const pick = (values: Readonly<Record<string, unknown>>): unknown =>
    Object.fromEntries(Object.entries(values).filter(([key]) => portKeys.has(key)));
  return [{ raw: pick(raw), seen: { ...(pick(seen) as object), target, protocol }, from }];
}
