/** Asks Prometheus what a panel shows, as Grafana's data source does. */
import type { DataSource, Target } from "./provisioning.ts";

/** A span of time in seconds since 1970. */
export type Span = Readonly<{ from: number; to: number }>;

/** One line of a panel: times in seconds, and values. */
export type Series = Readonly<{
  refId: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  points: readonly (readonly [time: number, value: number])[];
}>;

/** Prometheus refused a query. */
export class QueryError extends Error {
  override name = "QueryError";
}

const scrapeSeconds = 5;
const pointsWanted = 200;

/** Every series that a query gives. Throws {@link QueryError}. */
export async function ask(source: DataSource, target: Target, span: Span): Promise<Series[]> {
  const step = Math.max(scrapeSeconds, Math.ceil((span.to - span.from) / pointsWanted));
  const rate = Math.max(step + scrapeSeconds, 4 * scrapeSeconds);
  const query = target.expr.replaceAll("$__rate_interval", `${rate}s`);
  const words = { query, start: `${span.from}`, end: `${span.to}`, step: `${step}` };
  const response = await fetch(
    `${source.url}/api/v1/query_range?${new URLSearchParams(words).toString()}`,
  );
  const answer = (await response.json()) as Answer;
  if (answer.status !== "success") throw new QueryError(`${target.expr}: ${answer.error}`);
  return answer.data.result.map(({ metric, values }) => ({
    refId: target.refId,
    name: legend(target.legendFormat, metric),
    labels: metric,
    points: values.map(([time, value]) => [time, Number(value)] as const),
  }));
}

type Answer = Readonly<
  | {
      status: "success";
      data: Readonly<{
        result: readonly Readonly<{
          metric: Readonly<Record<string, string>>;
          values: readonly (readonly [number, string])[];
        }>[];
      }>;
    }
  | { status: "error"; error: string }
>;

function legend(format: string, labels: Readonly<Record<string, string>>): string {
  return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? "");
}
