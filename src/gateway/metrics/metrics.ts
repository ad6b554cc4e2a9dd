/** A small registry of Prometheus metrics (text format 0.0.4) with a hard bound on the number of series. */

/** Label values by label name; always from configuration or code, never from a client. */
export type Labels = Readonly<Record<string, string>>;

type Kind = "counter" | "gauge" | "histogram";

/** One metric, as it is written out. */
export type Metric = Readonly<{ render: () => string }>;

const mostSeries = 2_000;

/** A number per set of labels that only grows. */
export class Counter implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #values = new Map<string, number>();

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels, amount = 1): void {
    const series = seriesOf(this.#values, labels);
    this.#values.set(series, (this.#values.get(series) ?? 0) + amount);
  }

  render(): string {
    const lines = [...this.#values].map(([series, value]) => `${this.#name}${series} ${value}`);
    return block(this.#name, this.#help, "counter", lines);
  }
}

/** Numbers that are read when somebody looks. */
export class Gauge implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #kind: Kind;
  readonly #read: () => readonly Readonly<{ labels: Labels; value: number }>[];

  constructor(
    name: string,
    help: string,
    read: () => readonly Readonly<{ labels: Labels; value: number }>[],
    kind: Kind = "gauge",
  ) {
    this.#name = name;
    this.#help = help;
    this.#read = read;
    this.#kind = kind;
  }

  render(): string {
    const lines = this.#read().map(({ labels, value }) => `${this.#name}${text(labels)} ${value}`);
    return block(this.#name, this.#help, this.#kind, lines);
  }
}

type Observations = { counts: number[]; sum: number; count: number };

/** A distribution per set of labels. */
export class Histogram implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Observations>();

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const name = seriesOf(this.#series, labels);
    const series = this.#series.get(name) ?? this.#open(name);
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    const index = bucket === -1 ? this.#bounds.length : bucket;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sum += value;
    series.count += 1;
  }

  render(): string {
    const lines = [...this.#series].flatMap(([name, series]) => this.#lines(name, series));
    return block(this.#name, this.#help, "histogram", lines);
  }

  #open(name: string): Observations {
    const series = { counts: [], sum: 0, count: 0 };
    this.#series.set(name, series);
    return series;
  }

  #lines(name: string, { counts, sum, count }: Observations): string[] {
    let below = 0;
    const buckets = this.#bounds.map((bound, index) => {
      below += counts[index] ?? 0;
      return `${this.#name}_bucket${withBound(name, String(bound))} ${below}`;
    });
    const last = `${this.#name}_bucket${withBound(name, "+Inf")} ${count}`;
    return [
      ...buckets,
      last,
      `${this.#name}_sum${name} ${sum}`,
      `${this.#name}_count${name} ${count}`,
    ];
  }
}

/** Writes metrics out, one after the other. */
export function renderMetrics(metrics: readonly Metric[]): string {
  return metrics.map((metric) => metric.render()).join("");
}

/** Past the bound every new series is counted as `_other`: a flood of names must not fill the memory. */
function seriesOf(series: ReadonlyMap<string, unknown>, labels: Labels): string {
  const name = text(labels);
  if (series.has(name) || series.size < mostSeries) return name;
  return text(Object.fromEntries(Object.keys(labels).map((label) => [label, "_other"])));
}

function text(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function withBound(series: string, bound: string): string {
  const le = `le="${bound}"`;
  return series === "" ? `{${le}}` : `${series.slice(0, -1)},${le}}`;
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function block(name: string, help: string, kind: Kind, lines: readonly string[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.map((line) => `${line}\n`).join("")}`;
}
