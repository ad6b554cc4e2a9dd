/** Log lines for people. */
import type { StackLogLine } from "../engine/stack-logs.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { readableGatewayLine } from "./gateway-log.ts";
import { plainTheme, type Theme, themeOf } from "./theme.ts";
import { padTo, printable, visibleWidth } from "./width.ts";

/** A point in time on the command line is none. */
export class InvalidTimeError extends NexusError {
  readonly code = "NEXUS_INVALID_TIME";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Write a span back from now (90s, 10m, 2h, 1d) or a moment (2026-01-31T12:00:00Z).";

  constructor(text: string) {
    super(`\`${text}\` is not a point in time.`);
  }
}

const spanMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A span back from now or a moment, as ISO 8601. Throws InvalidTimeError. */
export function parseMoment(text: string, now: Date): string {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join("") === text) {
    const ms = parts.reduce(
      (sum, [, amount, unit = ""]) => sum + Number(amount) * (spanMs[unit] ?? 0),
      0,
    );
    return new Date(now.getTime() - ms).toISOString();
  }
  const isSeconds = /^\d{9,}(\.\d+)?$/.test(text);
  const isDate = /^\d{4}-\d\d-\d\d/.test(text);
  const moment = new Date(isSeconds ? Number(text) * 1000 : text);
  if (!(isSeconds || isDate) || Number.isNaN(moment.getTime())) throw new InvalidTimeError(text);
  return moment.toISOString();
}

/** How lines look. */
export type LogLook = Readonly<{
  theme: Theme;
  /** The services that are shown: they decide width and colours of the prefix. */
  services: readonly string[];
  prefix: boolean;
  timestamps: boolean;
  /** Programs' own colours are kept, but nothing else that steers a terminal. */
  colour: boolean;
  /** The gateway's documents are told as prose. */
  prose: boolean;
}>;

/** Writes lines one after the other; a service always has the same colour. */
export function logFormatter(look: LogLook): (line: StackLogLine) => string {
  const hues = new Map<string, (text: string) => string>();
  const width = Math.max(0, ...look.services.map(visibleWidth));
  const hueOf = (service: string) => {
    const { hues: all } = look.theme;
    const hue = hues.get(service) ?? all[hues.size % all.length] ?? look.theme.dim;
    hues.set(service, hue);
    return hue;
  };
  for (const service of look.services) hueOf(service);
  return (line) => {
    const prefix = look.prefix ? `${hueOf(line.service)(`${padTo(line.service, width)} │`)} ` : "";
    const time = look.timestamps ? `${look.theme.dim(line.timestamp)} ` : "";
    const text =
      look.prose && line.service === "gateway" ? readableGatewayLine(line.text) : line.text;
    return `${prefix}${time}${look.colour ? withoutSteering(text) : printable(text)}`;
  };
}

/** Keeps colours (SGR) and drops every other escape and control character. */
function withoutSteering(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
  const parts = text.split(/(\u001B\[[\d;:]*m)/);
  const coloured = parts.length > 1;
  return (
    parts.map((part, at) => (at % 2 === 1 ? part : printable(part))).join("") +
    (coloured ? "\u001B[0m" : "")
  );
}

/** What `nexus logs` is asked for. */
export type LogFlags = Readonly<{
  follow: boolean;
  since?: string | undefined;
  until?: string | undefined;
  tail?: number | undefined;
  timestamps: boolean;
  "no-prefix": boolean;
}>;

/** The part of a log that the flags ask for. Throws InvalidTimeError. */
export function logRange(
  { follow, since, until, tail }: LogFlags,
  now = new Date(),
): Readonly<{ follow: boolean; since?: string; until?: string; tail?: number }> {
  return {
    follow,
    ...(since === undefined ? {} : { since: parseMoment(since, now) }),
    ...(until === undefined ? {} : { until: parseMoment(until, now) }),
    ...(tail === undefined ? {} : { tail }),
  };
}

/** How the flags and stdout want lines to look. */
export async function logLook(flags: LogFlags, services: readonly string[]): Promise<LogLook> {
  const theme = await themeOf(process.stdout);
  return {
    theme,
    services,
    prefix: !flags["no-prefix"],
    timestamps: flags.timestamps,
    colour: theme !== plainTheme,
    prose: process.stdout.isTTY,
  };
}

/** Lines for people. */
export async function* asText(
  lines: AsyncIterable<StackLogLine>,
  look: LogLook,
): AsyncGenerator<string> {
  const format = logFormatter(look);
  for await (const line of lines) yield format(line);
}

/** One JSON document per line, for programs. */
export async function* asJson(lines: AsyncIterable<StackLogLine>): AsyncGenerator<string> {
  for await (const line of lines) yield JSON.stringify(line);
}
