/** The gateway's log for people: one JSON document a line becomes a sentence. Pure. */
import { formatDuration } from "./units.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What an event is about and what is told of it; other fields follow as `name=value`. */
const told: Readonly<
  Record<string, (fields: Fields) => readonly [text: string, ...used: string[]]>
> = {
  request: ({ endpoint, status, ms, error }) => [
    [
      String(endpoint),
      String(status),
      ...(error === undefined ? [] : [text(error)]),
      ...(typeof ms === "number" ? [`in ${formatDuration(ms)}`] : []),
    ].join(" "),
    "endpoint",
    "status",
    "ms",
    "error",
    "request_id",
  ],
  "upstream.state": ({ service, from, to, detail }) => [
    `${String(service)} ${String(from)} → ${String(to)}: ${String(detail)}`,
    "service",
    "from",
    "to",
    "detail",
  ],
};

/** The line as prose; as it is when it is not one of the gateway's documents. */
export function readableGatewayLine(line: string): string {
  const document = parse(line);
  if (document === undefined) return line;
  const { time, level, event, ...fields } = document;
  const name = String(event);
  const [sentence, ...used] = told[name]?.(fields) ?? [""];
  const rest = Object.entries(fields)
    .filter(([key]) => !used.includes(key))
    .map(([key, value]) => `${key}=${text(value)}`);
  const parts = [
    clockOf(time),
    ...(level === "info" ? [] : [String(level)]),
    name,
    sentence,
    ...rest,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parse(line: string): Fields | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const document = JSON.parse(line) as Fields;
    return "event" in document && "time" in document ? document : undefined;
  } catch {
    return undefined;
  }
}

/** The time of day where the reader is. */
function clockOf(time: unknown): string {
  const moment = new Date(String(time));
  return Number.isNaN(moment.getTime())
    ? String(time)
    : [moment.getHours(), moment.getMinutes(), moment.getSeconds()]
        .map((part) => String(part).padStart(2, "0"))
        .join(":");
}
