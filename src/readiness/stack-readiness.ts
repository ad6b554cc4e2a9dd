/** The quick look at a stack: its gateway's readiness document, read over the published observability port. */
import { get, type IncomingMessage } from "node:http";
import type { StackReadiness } from "../gateway/protocol.ts";

/** Where to look, and for how long. */
export type ReadinessAddress = Readonly<{
  /** The host the port is published on; the wildcard addresses are asked on loopback. */
  host: string;
  observabilityPort: number;
  timeoutMs: number;
}>;

const loopbacks: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Reads the whole stack's readiness; undefined when nothing there answers as a gateway in time, which proves
 * nothing: the port may not be published to this machine, so ask through the control channel then.
 */
export function readStackReadiness(address: ReadinessAddress): Promise<StackReadiness | undefined> {
  const host = loopbacks[address.host] ?? address.host;
  const { promise, resolve } = Promise.withResolvers<StackReadiness | undefined>();
  const options = {
    host,
    port: address.observabilityPort,
    path: "/readyz",
    agent: false,
    signal: AbortSignal.timeout(address.timeoutMs),
  } as const;
  get(options, (response) => {
    readBody(response, (body) => resolve(body === undefined ? undefined : parseReadiness(body)));
  }).on("error", () => resolve(undefined));
  return promise;
}

function readBody(response: IncomingMessage, onBody: (body: string | undefined) => void): void {
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  response.once("end", () => onBody(Buffer.concat(chunks).toString("utf8")));
  response.once("error", () => onBody(undefined));
}

function parseReadiness(body: string): StackReadiness | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isReadiness(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isReadiness(value: unknown): value is StackReadiness {
  if (typeof value !== "object" || value === null) return false;
  return "stack" in value && "services" in value && Array.isArray(value.services);
}
