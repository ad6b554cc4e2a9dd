/** The gateway's metrics in OpenTelemetry's words: the same families that Prometheus reads, as sums since the start. */
import { ValueType, type HrTime } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { Distribution, Family } from "../metrics/metrics.ts";

/** Reads the families whenever the export is due. */
export function metricProducer(read: () => readonly Family[], resource: Resource): MetricProducer {
  const scope = { name: "nexus-gateway" };
  const startTime = hrTime(performance.timeOrigin);
  const collect = () => {
    const times = { startTime, endTime: hrTime(Date.now()) };
    const metrics = read().map((family) => metricData(family, times));
    const resourceMetrics = { resource, scopeMetrics: [{ scope, metrics }] };
    return Promise.resolve({ resourceMetrics, errors: [] });
  };
  return { collect };
}

type Times = Readonly<{ startTime: HrTime; endTime: HrTime }>;

function metricData(family: Family, times: Times): MetricData {
  const { name, help, kind, labelNames } = family;
  const unit = /_(seconds|bytes)(?:_total)?$/.exec(name)?.[1] ?? "";
  const descriptor = {
    name,
    description: help,
    unit: units[unit] ?? "",
    valueType: ValueType.DOUBLE,
  };
  const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  const point = <Value>(labels: readonly string[], value: Value): DataPoint<Value> => ({
    ...times,
    attributes: Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? ""])),
    value,
  });
  if (family.kind === "histogram") {
    const dataPoints = family.samples.map((sample) =>
      point(sample.labels, histogramValue(family.bounds, sample)),
    );
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = family.samples.map(({ labels, value }) => point(labels, value));
  return kind === "counter"
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
}

/** UCUM's words for the units in the names. */
const units: Readonly<Record<string, string>> = { seconds: "s", bytes: "By" };

function histogramValue(boundaries: readonly number[], { counts, sum, count }: Distribution) {
  return { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
