/** What a copied folder or an unpacked archive is a copy of. Pure: decides by names. */

/** How a folder is laid out. */
export type Layout = Readonly<
  | { kind: "host" }
  /** One host a sub-folder, by name. */
  | { kind: "hosts"; names: readonly string[] }
  /** The content of the old gateway's data folder. */
  | { kind: "gateway-data" }
  | { kind: "unknown" }
>;

/** Where the old gateway keeps its data. */
export const gatewayData = "/var/lib/gateway/data";

const rootNames = new Set(["var", "etc", "Library", "usr", "home", "Users", "opt", "root"]);
const dataNames = new Set([
  "memory.sqlite",
  "users.sqlite",
  "requests.jsonl",
  "ui_chats",
  "ui_images",
  "voice_library",
]);

/** Decides by the names at the top, and those one below by folder. */
export function layoutOf(
  names: readonly string[],
  below: Readonly<Record<string, readonly string[]>>,
): Layout {
  if (names.some((name) => rootNames.has(name) && name in below)) return { kind: "host" };
  if (names.some((name) => dataNames.has(name))) return { kind: "gateway-data" };
  const hosts = names.filter((name) => below[name]?.some((inner) => rootNames.has(inner)));
  return hosts.length > 0 ? { kind: "hosts", names: hosts } : { kind: "unknown" };
}
