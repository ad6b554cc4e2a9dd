/** Keys as a table. Pure. */
import type { ListedKey, RateLimit } from "../gateway/protocol.ts";
import { formatBytes } from "../stack/quantities.ts";
import { table } from "./table.ts";
import type { Theme } from "./theme.ts";
import { formatAge, formatCount, formatDuration } from "./units.ts";

/** The keys of a gateway, oldest first as it keeps them. */
export function formatKeys(
  keys: readonly Omit<ListedKey, "digest">[],
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
      { title: "LIMITS", value: formatLimits, shrink: true },
      { title: "LAST USED", value: ({ last_used_at: at }) => lastUse(at, nowMs) },
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

const limitUnits = {
  requests_per_minute: "requests/min",
  tokens_per_minute: "tokens/min",
  tokens_per_day: "tokens/day",
} as const satisfies Record<RateLimit, string>;

function formatLimits({ limits = {}, allowed_ips }: Omit<ListedKey, "digest">): string {
  const rates = (Object.keys(limitUnits) as RateLimit[])
    .filter((name) => limits[name] !== undefined)
    .map((name) => `${formatCount(limits[name] ?? 0)} ${limitUnits[name]}`);
  const { max_request_bytes: bytes } = limits;
  const size = bytes === undefined ? [] : [`${formatBytes(bytes)}/request`];
  const from = allowed_ips ? [`from ${allowed_ips.join(" ")}`] : [];
  return [...rates, ...size, ...from].join(", ");
}

function lastUse(at: string | undefined, nowMs: number): string {
  return at === undefined ? "never" : `${formatAge(at, nowMs)} ago`;
}

function isExpired({ expires_at }: Pick<ListedKey, "expires_at">, nowMs: number): boolean {
  return expires_at !== undefined && Date.parse(expires_at) <= nowMs;
}

function expiry(key: Pick<ListedKey, "expires_at">, nowMs: number): string {
  if (key.expires_at === undefined) return "never";
  return isExpired(key, nowMs)
    ? "expired"
    : `in ${formatDuration(Date.parse(key.expires_at) - nowMs)}`;
}
