const units = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes in the decimal unit that fits them: `12.3 MB`. */
export function sizeText(bytes: number): string {
  const scale = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** scale).toFixed(1).replace(/\.0$/, "")} ${units[scale]}`;
}
