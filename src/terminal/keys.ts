/** Keys as a table. Pure. */
import type { KeyRecord } from "../gateway/protocol.ts";
import { table } from "./table.ts";
import type { Theme } from "./theme.ts";
import { formatAge, formatDuration } from "./units.ts";

/** The keys of a gateway, oldest first as it keeps them. */
export function formatKeys(
  keys: readonly KeyRecord[],
  look: Readonly<{ theme: Theme; nowMs: number }>,
): string {
  if (keys.length === 0) return "There are no keys. Make one with `nexus keys add <name>`.";
  const { theme, nowMs } = look;
  return table(
    keys,
    [
      { title: "NAME", value: ({ name }) => name },
      { title: "KEY", value: ({ hint }) => `${hint}…` },
      { title: "SCOPES", value: ({ scopes }) => scopes.join(", ") },
      { title: "MODELS", value: ({ models }) => models?.join(", ") ?? "all", shrink: true },
      { title: "AGE", value: ({ created_at }) => formatAge(created_at, nowMs) },
      {
        title: "EXPIRES",
        value: (key) => expiry(key, nowMs),
        paint: (key) => (isExpired(key, nowMs) ? theme.bad : theme.dim),
      },
    ],
    { theme, width: process.stdout.columns },
  );
}

function isExpired({ expires_at }: KeyRecord, nowMs: number): boolean {
  return expires_at !== undefined && Date.parse(expires_at) <= nowMs;
}

function expiry(key: KeyRecord, nowMs: number): string {
  if (key.expires_at === undefined) return "never";
  return isExpired(key, nowMs)
    ? "expired"
    : `in ${formatDuration(Date.parse(key.expires_at) - nowMs)}`;
}
