/** A container's output as lines. */
import type { IncomingMessage } from "node:http";
import type { LogLine, LogOptions } from "../engine.ts";
import { ContainerMissingError, LogsUnavailableError } from "../errors/container.ts";
import type { DockerClient } from "./client.ts";
import { FrameSplitter } from "./demux.ts";
import type { Frame } from "./demux.ts";
import { LineSplitter } from "./lines.ts";
import { unlessMissing } from "./observe.ts";

/** Reads the log; ends when `signal` aborts, throws LogsUnavailableError, ContainerMissingError and EngineLostError. */
export async function* readLogs(
  client: DockerClient,
  id: string,
  options: LogOptions,
  signal?: AbortSignal,
): AsyncGenerator<LogLine> {
  const info = await unlessMissing(
    client.read(`inspect container ${id}`, async (docker, call) =>
      docker.getContainer(id).inspect(call),
    ),
  );
  if (info === undefined) throw new ContainerMissingError(id);
  const driver = info.HostConfig.LogConfig?.Type ?? "json-file";
  if (driver === "none") throw new LogsUnavailableError(info.Name.slice(1), driver);
  const response = await openLog(client, id, options, signal);
  const frames = info.Config.Tty ? rawFrames(response) : splitFrames(response);
  try {
    yield* linesOf(frames, options.timestamps ?? false);
  } catch (error) {
    if (signal?.aborted !== true) throw client.streamFailure(`read the log of ${id}`, error);
  } finally {
    response.destroy();
  }
}

// Always as a stream: dockerode would parse a log that happens to be JSON.
async function openLog(
  client: DockerClient,
  id: string,
  options: LogOptions,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  return (await client.dial(`read the log of ${id}`, {
    path: `/containers/${id}/logs?`,
    method: "GET",
    isStream: true,
    options: { _query: logQuery(options) },
    statusCodes: { 200: true },
    ...(signal === undefined ? {} : { abortSignal: signal }),
  })) as IncomingMessage;
}

/** Exported for its test: an engine takes unix seconds, never ISO 8601. */
export function logQuery(options: LogOptions): Readonly<Record<string, string>> {
  return {
    stdout: "1",
    stderr: "1",
    follow: options.follow === true ? "1" : "0",
    timestamps: options.timestamps === true ? "1" : "0",
    tail: options.tail === undefined ? "all" : String(options.tail),
    ...(options.since === undefined ? {} : { since: unixTime(options.since) }),
    ...(options.until === undefined ? {} : { until: unixTime(options.until) }),
  };
}

function unixTime(time: string): string {
  if (/^\d+(\.\d+)?$/.test(time)) return time;
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? "";
  const seconds = Math.floor(Date.parse(time) / 1000);
  return fraction === "" ? String(seconds) : `${seconds}.${fraction.padEnd(9, "0")}`;
}

async function* splitFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const splitter = new FrameSplitter();
  for await (const chunk of source) yield* splitter.push(chunk);
}

async function* rawFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  for await (const payload of source) yield { stream: "stdout", payload };
}

async function* linesOf(
  frames: AsyncIterable<Frame>,
  timestamps: boolean,
): AsyncGenerator<LogLine> {
  const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() };
  for await (const { stream, payload } of frames) {
    const name = stream === "stdout" ? "stdout" : "stderr";
    for (const text of splitters[name].push(payload)) yield logLine(name, text, timestamps);
  }
  for (const name of ["stdout", "stderr"] as const)
    for (const text of splitters[name].end()) yield logLine(name, text, timestamps);
}

function logLine(stream: LogLine["stream"], text: string, timestamps: boolean): LogLine {
  const space = text.indexOf(" ");
  if (!timestamps || space < 0) return { stream, text };
  return { stream, timestamp: text.slice(0, space), text: text.slice(space + 1) };
}
