/** Counters, gauges and distributions by their labels, with a hard bound on the number of series. How they are written out is others' business. */

/** One number of a metric. */
export type Sample = Readonly<{ labels: readonly string[]; value: number }>;

/** One distribution: observations per bucket, the last one holding what is above every bound. */
export type Distribution = Readonly<{
  labels: readonly string[];
  counts: readonly number[];
  sum: number;
  count: number;
}>;

/** A metric as it stands at one moment; the labels of a sample follow `labelNames`. */
export type Family = Readonly<{ name: string; help: string; labelNames: readonly string[] }> &
  Readonly<
    | { kind: "counter" | "gauge"; samples: readonly Sample[] }
    | { kind: "histogram"; bounds: readonly number[]; samples: readonly Distribution[] }
  >;

/** Something that can be read at any moment. */
export type Metric = Readonly<{ read: () => Family }>;

/** What a metric is called, what it means, and the labels it has. */
export type Naming<Names extends readonly string[]> = Readonly<{
  name: string;
  help: string;
  labels: Names;
}>;

/** One value for each label, always from configuration or code, never from a client. */
type Values<Names extends readonly string[]> = Readonly<{ [Index in keyof Names]: string }>;

/** Past this many sets of labels in one metric, every new one is counted as `_other`: a flood must not fill the memory. */
const mostSeries = 2_000;

type Count = { readonly labels: readonly string[]; value: number };

/** A number per set of labels that only grows. */
export class Counter<const Names extends readonly string[]> implements Metric {
  readonly #naming: Naming<Names>;
  readonly #series = new SeriesTree((labels): Count => ({ labels, value: 0 }));

  constructor(naming: Naming<Names>) {
    this.#naming = naming;
  }

  add(labels: Values<Names>, amount = 1): void {
    this.#series.at(labels).value += amount;
  }

  read(): Family {
    const { name, help, labels } = this.#naming;
    const samples = [...this.#series.all];
    return { name, help, labelNames: labels, kind: "counter", samples };
  }
}

/** Numbers that are read when somebody looks. */
export class Gauge<const Names extends readonly string[]> implements Metric {
  readonly #naming: Naming<Names>;
  readonly #sample: () => readonly Readonly<{ labels: Values<Names>; value: number }>[];
  readonly #kind: "counter" | "gauge";

  constructor(
    naming: Naming<Names>,
    sample: () => readonly Readonly<{ labels: Values<Names>; value: number }>[],
    kind: "counter" | "gauge" = "gauge",
  ) {
    this.#naming = naming;
    this.#sample = sample;
    this.#kind = kind;
  }

  read(): Family {
    const { name, help, labels } = this.#naming;
    return { name, help, labelNames: labels, kind: this.#kind, samples: this.#sample() };
  }
}

type Observations = {
  readonly labels: readonly string[];
  readonly counts: number[];
  sum: number;
  count: number;
};

/** A distribution per set of labels. */
export class Histogram<const Names extends readonly string[]> implements Metric {
  readonly #naming: Naming<Names>;
  readonly #bounds: readonly number[];
  readonly #series = new SeriesTree((labels) => this.#open(labels));

  constructor(naming: Naming<Names>, bounds: readonly number[]) {
    this.#naming = naming;
    this.#bounds = bounds;
  }

  observe(labels: Values<Names>, value: number): void {
    const series = this.#series.at(labels);
    let index = 0;
    while (index < this.#bounds.length && value > (this.#bounds[index] ?? 0)) index += 1;
    series.counts[index] = (series.counts[index] ?? 0) + 1;
    series.sum += value;
    series.count += 1;
  }

  read(): Family {
    const { name, help, labels } = this.#naming;
    const samples = [...this.#series.all];
    return { name, help, labelNames: labels, kind: "histogram", bounds: this.#bounds, samples };
  }

  #open(labels: readonly string[]): Observations {
    const counts = Array.from({ length: this.#bounds.length + 1 }, () => 0);
    return { labels, counts, sum: 0, count: 0 };
  }
}

/** The series of a metric, found label by label: no text is put together for a series that is known. */
class SeriesTree<Series> {
  readonly #root: Branch<Series> = { next: new Map(), series: undefined };
  readonly #open: (labels: readonly string[]) => Series;
  readonly all: Series[] = [];

  constructor(open: (labels: readonly string[]) => Series) {
    this.#open = open;
  }

  /** The series of a set of labels, opened when it is new and there is room for it. */
  at(labels: readonly string[]): Series {
    let branch: Branch<Series> | undefined = this.#root;
    for (const label of labels) branch = branch?.next.get(label);
    return branch?.series ?? this.#add(labels);
  }

  #add(labels: readonly string[]): Series {
    if (this.all.length >= mostSeries && labels.some((label) => label !== "_other")) {
      return this.at(labels.map(() => "_other"));
    }
    let branch = this.#root;
    for (const label of labels) {
      const known: Branch<Series> = branch.next.get(label) ?? {
        next: new Map(),
        series: undefined,
      };
      branch.next.set(label, known);
      branch = known;
    }
    branch.series = this.#open(labels);
    this.all.push(branch.series);
    return branch.series;
  }
}

type Branch<Series> = { readonly next: Map<string, Branch<Series>>; series: Series | undefined };
