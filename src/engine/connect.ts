/** From settings to a connected engine. Light: the adapter is loaded only once an endpoint is known. */
import { access } from "node:fs/promises";
import os from "node:os";
import {
  configurationFolder,
  contextNames,
  environmentTls,
  readConfiguration,
  readContext,
} from "./docker-config.ts";
import type { DockerConfiguration } from "./docker-config.ts";
import {
  chooseEndpoint,
  defaultPipe,
  defaultSocket,
  parseAddress,
  refusePlainTcp,
  usualSockets,
} from "./endpoint.ts";
import type { Endpoint, EndpointChoice } from "./endpoint.ts";
import type { Engine } from "./engine.ts";
import { ContextNotFoundError } from "./errors/endpoint.ts";
import { answeringSockets } from "./sockets.ts";

/** What decides which engine is spoken to, and with which credentials. */
export type ConnectOptions = Readonly<{
  /** `--context`. */
  context?: string;
  environment: Readonly<Record<string, string | undefined>>;
  /** The user's home folder; the system's when undefined. */
  home?: string;
  /** Told of settings that contradict each other, one sentence at a time. */
  onWarning?: (warning: string) => void;
}>;

/** An endpoint with what the Docker configuration adds to every call. */
export type ResolvedEndpoint = Readonly<{ endpoint: Endpoint; configuration: DockerConfiguration }>;

/**
 * Connects to the engine that the docker CLI would use and agrees on an API version with it.
 * Throws the classes of errors/endpoint.ts and errors/connection.ts.
 */
export async function connectEngine(options: ConnectOptions): Promise<Engine> {
  const resolved = await resolveEndpoint(options);
  for (const warning of resolved.endpoint.warnings) options.onWarning?.(warning);
  const { openDockerEngine } = await import("./docker/docker-engine.ts");
  return openDockerEngine({
    ...resolved,
    environment: options.environment,
    alternatives: async () => answeringSockets(socketsOf(options)),
  });
}

/** Finds out which engine is meant, reading Docker's configuration but not touching the engine. */
export async function resolveEndpoint(options: ConnectOptions): Promise<ResolvedEndpoint> {
  const { context, environment } = options;
  const folder = configurationFolder(environment, homeOf(options));
  const configuration = await readConfiguration(folder);
  const { currentContext } = configuration;
  const choice = chooseEndpoint({
    environment,
    ...(context === undefined ? {} : { context }),
    ...(currentContext === undefined ? {} : { currentContext }),
  });
  const endpoint = await locate(choice, folder, options);
  refusePlainTcp(endpoint.address, environment);
  return { endpoint, configuration };
}

async function locate(
  choice: EndpointChoice,
  folder: string,
  options: ConnectOptions,
): Promise<Endpoint> {
  if (choice.kind === "default") return defaultEndpoint(options);
  if (choice.kind === "context") return contextEndpoint(choice, folder);
  const { url, source, warnings } = choice;
  const address = parseAddress(url, source);
  const tls =
    address.kind === "tcp" ? await environmentTls(options.environment, folder) : undefined;
  const encrypted = address.kind === "tcp" && tls !== undefined ? { ...address, tls } : address;
  return { address: encrypted, url, source, warnings };
}

async function contextEndpoint(
  { name, source, warnings }: Extract<EndpointChoice, { kind: "context" }>,
  folder: string,
): Promise<Endpoint> {
  const context = await readContext(folder, name);
  if (context === undefined)
    throw new ContextNotFoundError(name, source, await contextNames(folder));
  const address = parseAddress(context.host, `context ${name}`);
  const encrypted =
    address.kind === "tcp" && context.tls !== undefined
      ? { ...address, tls: context.tls }
      : address;
  return { address: encrypted, url: context.host, source: `context ${name}`, warnings };
}

async function defaultEndpoint(options: ConnectOptions): Promise<Endpoint> {
  if (process.platform === "win32")
    return {
      address: { kind: "npipe", path: defaultPipe },
      url: "npipe:////./pipe/docker_engine",
      source: "context default",
      warnings: [],
    };
  if (await exists(defaultSocket)) return unixEndpoint(defaultSocket, "context default");
  const [found] = await answeringSockets(socketsOf(options));
  return found === undefined
    ? unixEndpoint(defaultSocket, "context default")
    : unixEndpoint(found, "the only engine found");
}

const unixEndpoint = (path: string, source: string): Endpoint => ({
  address: { kind: "unix", path },
  url: `unix://${path}`,
  source,
  warnings: [],
});

const homeOf = ({ home }: ConnectOptions): string => home ?? os.homedir();

function socketsOf(options: ConnectOptions): readonly string[] {
  const uid = process.getuid?.() ?? 0;
  const runtime = options.environment["XDG_RUNTIME_DIR"] ?? "";
  return usualSockets(homeOf(options), runtime === "" ? `/run/user/${uid}` : runtime);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
