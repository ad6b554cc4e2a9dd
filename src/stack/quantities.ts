/** Sizes and durations as Compose writes them. */

const byteUnits: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

const durationUnits: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a size as Compose does: `512m`, `8GiB`, `64kb` and plain bytes, every unit a power of 1024; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?)?b?$/i.exec(text.trim());
  if (!match) return undefined;
  return Math.round(Number(match[1]) * (byteUnits[(match[2] ?? "").toLowerCase()] ?? 1));
}

/** Writes a size in the largest unit that loses nothing: `8GiB`. {@link parseBytes} reads it back. */
export function formatBytes(bytes: number): string {
  const unit = (["TiB", "GiB", "MiB", "KiB"] as const).find(
    (name) => bytes > 0 && bytes % unitOf(name) === 0,
  );
  return unit ? `${bytes / unitOf(unit)}${unit}` : String(bytes);
}

function unitOf(name: string): number {
  return byteUnits[name.charAt(0).toLowerCase()] ?? 1;
}

/** Reads a duration such as `1m30s`, `500ms` or `2.5h` into milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+$/.test(text.trim())) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d)/g)];
  return parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (durationUnits[unit ?? ""] ?? 0),
    0,
  );
}

/** Writes whole milliseconds as a duration: `1m30s`. {@link parseDuration} reads it back. */
export function formatDuration(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor((milliseconds % 3_600_000) / 60_000);
  const seconds = Math.floor((milliseconds % 60_000) / 1000);
  const rest = milliseconds % 1000;
  const parts = [
    hours > 0 ? `${hours}h` : "",
    minutes > 0 ? `${minutes}m` : "",
    seconds > 0 ? `${seconds}s` : "",
    rest > 0 ? `${rest}ms` : "",
  ];
  return parts.join("") || "0s";
}
