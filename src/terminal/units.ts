/** Numbers as people read them. Pure. */

const units = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes in decimal units with three significant digits: `12.3 MB`. */
export function formatBytes(bytes: number): string {
  const scale = scaleOf(bytes);
  return `${inUnit(bytes, scale)} ${units[scale]}`;
}

/** Two amounts of the same thing in the unit of the larger: `12.3/36 MB`. */
export function formatShare(done: number, total: number): string {
  const scale = scaleOf(total);
  return `${inUnit(done, scale)}/${inUnit(total, scale)} ${units[scale]}`;
}

function scaleOf(bytes: number): number {
  const scale = Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3);
  return Math.min(units.length - 1, scale);
}

function inUnit(bytes: number, scale: number): string {
  const value = bytes / 1000 ** scale;
  const digits = value >= 100 || scale === 0 ? 0 : 1;
  return value.toFixed(digits).replace(/\.0$/, "");
}

/** A duration with the two largest units that matter: `340 ms`, `3.2 s`, `2 min 5 s`, `1 h 3 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${String(Math.max(0, Math.round(ms)))} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${String(seconds)} s`;
  if (seconds < 3600) return pair([Math.floor(seconds / 60), "min"], [seconds % 60, "s"]);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair([Math.floor(minutes / 60), "h"], [minutes % 60, "min"]);
  const hours = Math.round(minutes / 60);
  return pair([Math.floor(hours / 24), "d"], [hours % 24, "h"]);
}

function pair(large: readonly [number, string], small: readonly [number, string]): string {
  const parts = small[0] === 0 ? [large] : [large, small];
  return parts.map(([amount, unit]) => `${String(amount)} ${unit}`).join(" ");
}

/** How long ago an ISO 8601 moment was, in one unit: `12 s`, `5 min`, `3 h`, `2 d`; empty for none. */
export function formatAge(since: string, nowMs: number): string {
  const started = Date.parse(since);
  if (Number.isNaN(started) || started <= 0) return "";
  const seconds = Math.max(0, Math.floor((nowMs - started) / 1000));
  if (seconds < 60) return `${String(seconds)} s`;
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min`;
  if (seconds < 172_800) return `${String(Math.floor(seconds / 3600))} h`;
  return `${String(Math.floor(seconds / 86_400))} d`;
}

/** A number with commas between its thousands: `12,345,678`. */
export function formatCount(amount: number): string {
  return String(Math.round(amount)).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 service`, `2 services`. */
export function count(amount: number, noun: string): string {
  return `${String(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}
