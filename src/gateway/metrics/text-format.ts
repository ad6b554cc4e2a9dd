/** Writes metrics as Prometheus reads them: the text format, version 0.0.4. */
import type { Distribution, Family } from "./metrics.ts";

/** The media type of what `renderMetrics` writes. */
export const metricsMediaType = "text/plain; version=0.0.4; charset=utf-8";

/** Writes metrics out, one after the other. */
export function renderMetrics(families: readonly Family[]): string {
  return families.map(renderFamily).join("");
}

function renderFamily(family: Family): string {
  const { name, help, kind } = family;
  const lines = family.kind === "histogram" ? distributionLines(family) : sampleLines(family);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.map((line) => `${line}\n`).join("")}`;
}

function sampleLines({
  name,
  labelNames,
  samples,
}: Exclude<Family, { kind: "histogram" }>): string[] {
  return samples.map(({ labels, value }) => `${name}${braces(pairs(labelNames, labels))} ${value}`);
}

function distributionLines(family: Extract<Family, { kind: "histogram" }>): string[] {
  return family.samples.flatMap((sample) => linesOf(family, sample));
}

function linesOf(
  { name, labelNames, bounds }: Extract<Family, { kind: "histogram" }>,
  { labels, counts, sum, count }: Distribution,
): string[] {
  const own = pairs(labelNames, labels);
  let below = 0;
  const buckets = [...bounds, "+Inf"].map((bound, index) => {
    below += counts[index] ?? 0;
    return `${name}_bucket${braces([...own, `le="${bound}"`])} ${below}`;
  });
  return [...buckets, `${name}_sum${braces(own)} ${sum}`, `${name}_count${braces(own)} ${count}`];
}

function pairs(names: readonly string[], values: readonly string[]): string[] {
  return names.map((name, index) => `${name}="${escape(values[index] ?? "")}"`);
}

function braces(inside: readonly string[]): string {
  return inside.length === 0 ? "" : `{${inside.join(",")}}`;
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
