/** What a Mac calls itself: `preferences.plist` of its SystemConfiguration. Pure. */
import { plainOf } from "../read/document.ts";
import { isBinaryPlist, parseBinaryPlist } from "../read/plist-binary.ts";
import { parseXmlPlist } from "../read/plist-xml.ts";
import { readText } from "../read/text.ts";
import type { Place, Reading } from "../reading.ts";

const places = [
  ["System", "Network", "HostNames", "LocalHostName"],
  ["System", "System", "HostName"],
];

/** The names under which others reach it; none where the file says none. It is a hint, so nothing of it is told. */
export function readMacNames(bytes: Buffer, at: Place): Reading<readonly string[]> {
  const plain = plainPlist(bytes, at);
  const found = places.flatMap((path) => textAt(plain, path) ?? []);
  return { found, notUnderstood: [] };
}

function plainPlist(bytes: Buffer, at: Place): unknown {
  if (isBinaryPlist(bytes)) {
    const part = parseBinaryPlist(bytes);
    return part && plainOf(part);
  }
  const parsed = parseXmlPlist(readText(bytes, at).found);
  return parsed.kind === "malformed" ? undefined : plainOf(parsed.part);
}

function textAt(value: unknown, [name, ...rest]: readonly string[]): string | undefined {
  if (name === undefined) return typeof value === "string" ? value : undefined;
  const map = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return textAt(map.find(([key]) => key === name)?.[1], rest);
}
