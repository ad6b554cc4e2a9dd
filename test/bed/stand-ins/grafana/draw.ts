/** Draws a dashboard as one SVG: numbers for stats, lines for time series. */
import type { Dashboard, Panel } from "./provisioning.ts";
import type { Series, Span } from "./query.ts";

const column = 60;
const row = 34;
const gap = 8;
const colours =
  "#73bf69 #f2cc0c #8ab8ff #ff780a #f2495c #5794f2 #b877d9 #705da0 #37872d #fade2a".split(" ");

/** A panel with what its queries gave. */
export type Filled = Readonly<{ panel: Panel; series: readonly Series[] }>;

/** The whole dashboard; whoever reads it is told what drew it. */
export function drawDashboard({ title }: Dashboard, filled: readonly Filled[], span: Span): string {
  const rows = Math.max(...filled.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h));
  const [width, height] = [24 * column, rows * row + 40];
  const head = `<text x="12" y="26" fill="#d8d9da" font-size="17">${escape(title)}</text>
<text x="${width - 12}" y="26" fill="#8e8e8e" font-size="11" text-anchor="end">drawn by the bed's stand-in for Grafana from live queries to Prometheus</text>`;
  const panels = filled.map((each) => drawPanel(each, span)).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, sans-serif">
<rect width="${width}" height="${height}" fill="#111217"/>
${head}
${panels}
</svg>`;
}

type Box = Readonly<{ left: number; top: number; width: number; height: number }>;

function drawPanel({ panel, series }: Filled, span: Span): string {
  const { x, y, w, h } = panel.gridPos;
  const box = {
    left: x * column + gap / 2,
    top: y * row + 40,
    width: w * column - gap,
    height: h * row - gap,
  };
  const frame = `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" rx="3" fill="#181b1f" stroke="#2c3235"/>
<text x="${box.left + 10}" y="${box.top + 19}" fill="#d8d9da" font-size="12">${escape(panel.title)}</text>`;
  const { unit } = panel.fieldConfig.defaults;
  const inside =
    panel.type === "stat" ? drawStat(series, box, unit) : drawLines(series, box, { span, unit });
  return `${frame}\n${inside}`;
}

function drawStat([first]: readonly Series[], box: Box, unit: string): string {
  const value = first?.points.at(-1)?.[1];
  const text = value === undefined ? "No data" : written(value, unit);
  return `<text x="${box.left + box.width / 2}" y="${box.top + box.height / 2 + 24}" fill="${colours[0]}" font-size="38" text-anchor="middle">${text}</text>`;
}

function drawLines(
  series: readonly Series[],
  box: Box,
  { span, unit }: Readonly<{ span: Span; unit: string }>,
): string {
  const plot = {
    left: box.left + 64,
    top: box.top + 32,
    width: box.width - 78,
    height: box.height - 74,
  };
  const values = series
    .flatMap(({ points }) => points.map(([, value]) => value))
    .filter(Number.isFinite);
  const top = Math.max(...values, 0) || 1;
  const at = (time: number, value: number): string => {
    const x = plot.left + ((time - span.from) / (span.to - span.from)) * plot.width;
    const y = plot.top + plot.height - (value / top) * plot.height;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  const grid = [0, 0.5, 1].map((part) => {
    const y = plot.top + plot.height * (1 - part);
    return `<line x1="${plot.left}" x2="${plot.left + plot.width}" y1="${y}" y2="${y}" stroke="#2c3235"/>
<text x="${plot.left - 6}" y="${y + 4}" fill="#8e8e8e" font-size="10" text-anchor="end">${written(top * part, unit)}</text>`;
  });
  const lines = series.map(({ points }, index) => {
    const shown = points.filter(([, value]) => Number.isFinite(value));
    const path = shown.map(([time, value]) => at(time, value)).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colourAt(index)}" stroke-width="1.5"/>`;
  });
  return [...grid, ...times(plot, span), ...lines, drawLegend(series, box)].join("\n");
}

function times(plot: Box, { from, to }: Span): readonly string[] {
  return [0, 0.5, 1].map((part) => {
    const time = new Date((from + (to - from) * part) * 1000).toISOString().slice(11, 19);
    return `<text x="${plot.left + plot.width * part}" y="${plot.top + plot.height + 15}" fill="#8e8e8e" font-size="10" text-anchor="middle">${time}</text>`;
  });
}

function drawLegend(series: readonly Series[], box: Box): string {
  let x = box.left + 10;
  const y = box.top + box.height - 9;
  return series
    .map(({ name }, index) => {
      const here = x;
      x += 26 + name.length * 6.4;
      if (x > box.left + box.width) return "";
      return `<rect x="${here}" y="${y - 5}" width="12" height="3" fill="${colourAt(index)}"/><text x="${here + 17}" y="${y}" fill="#ccccdc" font-size="10">${escape(name)}</text>`;
    })
    .join("");
}

const colourAt = (index: number): string => colours[index % colours.length] ?? "#fff";

/** A value with its unit, as short as Grafana has it. */
function written(value: number, unit: string): string {
  if (!Number.isFinite(value)) return "No data";
  if (unit === "percentunit") return `${short(value * 100)}%`;
  if (unit === "s") return value < 1 ? `${short(value * 1000)} ms` : `${short(value)} s`;
  if (unit === "bytes") return `${short(value / 1024 ** 2)} MiB`;
  return unit === "reqps" ? `${short(value)} req/s` : short(value);
}

const short = (value: number): string => String(Number(value.toPrecision(3)));

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
