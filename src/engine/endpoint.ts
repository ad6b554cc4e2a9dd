/** Which engine is meant, decided from settings alone: no file, socket or process is touched here. */
import { EndpointInvalidError, InsecureEndpointError } from "./errors/endpoint.ts";

/** TLS material as read from files; `verify: false` encrypts without checking who answers. */
export type Tls = Readonly<{ ca?: Buffer; cert?: Buffer; key?: Buffer; verify: boolean }>;

/** How an engine is reached. */
export type Address = Readonly<
  | { kind: "unix"; path: string }
  | { kind: "npipe"; path: string }
  | { kind: "tcp"; host: string; port: number; tls?: Tls }
  | { kind: "ssh"; host: string; user?: string; port?: number; socket?: string }
>;

/** An engine that was chosen, and why. */
export type Endpoint = Readonly<{
  address: Address;
  /** As a person would write it, such as `unix:///var/run/docker.sock`. */
  url: string;
  /** The setting that chose it, such as `DOCKER_HOST` or `context colima`. */
  source: string;
  /** Settings that contradict each other, in sentences. */
  warnings: readonly string[];
}>;

/** What can choose an engine, strongest first. */
export type EndpointSettings = Readonly<{
  /** `--context`. */
  context?: string;
  environment: Readonly<Record<string, string | undefined>>;
  /** `currentContext` of Docker's config.json. */
  currentContext?: string;
}>;

/** An engine chosen by address, by the name of a context, or not at all. */
export type EndpointChoice = Readonly<
  | { kind: "host"; url: string; source: string; warnings: readonly string[] }
  | { kind: "context"; name: string; source: string; warnings: readonly string[] }
  | { kind: "default"; warnings: readonly string[] }
>;

/** Decides as the docker CLI does: `--context`, DOCKER_HOST, DOCKER_CONTEXT, the current context, the default. */
export function chooseEndpoint({
  context,
  environment,
  currentContext,
}: EndpointSettings): EndpointChoice {
  const host = environment["DOCKER_HOST"] ?? "";
  const variable = environment["DOCKER_CONTEXT"] ?? "";
  if (context !== undefined && context !== "") return byContext(context, "--context");
  if (host !== "")
    return { kind: "host", url: host, source: "DOCKER_HOST", warnings: shadowed(variable) };
  if (variable !== "") return byContext(variable, "DOCKER_CONTEXT");
  return byContext(currentContext ?? "", "the Docker configuration");
}

function byContext(name: string, source: string): EndpointChoice {
  if (name === "" || name === "default") return { kind: "default", warnings: [] };
  return { kind: "context", name, source, warnings: [] };
}

function shadowed(variable: string): readonly string[] {
  if (variable === "") return [];
  return [`DOCKER_HOST and DOCKER_CONTEXT (${variable}) are both set: DOCKER_HOST wins.`];
}

/** Reads an engine address; throws EndpointInvalidError. */
export function parseAddress(text: string, source: string): Address {
  const url = text.includes("://") ? text : `tcp://${text}`;
  if (url.startsWith("unix://")) return { kind: "unix", path: url.slice(7) || defaultSocket };
  if (url.startsWith("npipe://"))
    return { kind: "npipe", path: url.slice(8).replaceAll("/", "\\") || defaultPipe };
  return parseNetworkAddress(url, text, source);
}

function parseNetworkAddress(url: string, text: string, source: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol;
  if (parsed !== undefined && parsed.hostname !== "") {
    if (scheme === "ssh:" && parsed.password === "") return sshAddress(parsed);
    if (scheme === "tcp:" || scheme === "http:" || scheme === "https:") return tcpAddress(parsed);
  }
  throw new EndpointInvalidError(redact(text), source);
}

function tcpAddress(url: URL): Address {
  const fallback = url.protocol === "https:" ? 2376 : 2375;
  const port = url.port === "" ? fallback : Number(url.port);
  const encrypted = url.protocol === "https:" ? { tls: { verify: true } } : {};
  return { kind: "tcp", host: bare(url.hostname), port, ...encrypted };
}

function sshAddress(url: URL): Address {
  return {
    kind: "ssh",
    host: bare(url.hostname),
    ...(url.username === "" ? {} : { user: decodeURIComponent(url.username) }),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...(url.pathname === "" || url.pathname === "/" ? {} : { socket: url.pathname }),
  };
}

const bare = (hostname: string) => hostname.replace(/^\[(.*)\]$/, "$1");
const redact = (text: string) => text.replace(/\/\/[^@/]*@/, "//…@");

/** The engine's usual socket. */
export const defaultSocket = "/var/run/docker.sock";
/** Docker's named pipe on Windows. */
export const defaultPipe = String.raw`\\.\pipe\docker_engine`;

/** Where engines usually listen when Docker's own socket is missing: rootless, Desktop, Colima, Rancher, OrbStack, Podman. */
export function usualSockets(home: string, runtimeDir: string): readonly string[] {
  return [
    defaultSocket,
    `${runtimeDir}/docker.sock`,
    `${home}/.docker/run/docker.sock`,
    `${home}/.docker/desktop/docker.sock`,
    `${home}/.colima/default/docker.sock`,
    `${home}/.rd/docker.sock`,
    `${home}/.orbstack/run/docker.sock`,
    `${runtimeDir}/podman/podman.sock`,
    "/run/podman/podman.sock",
  ];
}

/** Throws InsecureEndpointError for plain TCP to another machine, unless NEXUS_INSECURE_TCP is set. */
export function refusePlainTcp(
  address: Address,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  if (address.kind !== "tcp" || address.tls !== undefined || isLoopback(address.host)) return;
  if ((environment["NEXUS_INSECURE_TCP"] ?? "") === "1") return;
  throw new InsecureEndpointError(`tcp://${address.host}:${address.port}`);
}

const isLoopback = (host: string) =>
  host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
