/** A Docker-compatible engine through dockerode. Loaded only when an engine is needed, because dockerode is heavy. */
import Docker from "dockerode";
import type {
  Containers,
  Engine,
  EngineDescription,
  EngineEvent,
  Gpu,
  Images,
  Networks,
  Observed,
  Volumes,
} from "../engine.ts";
import type { DockerConfiguration } from "../docker-config.ts";
import type { Endpoint } from "../endpoint.ts";
import { EngineSilentError } from "../errors/connection.ts";
import { DockerClient, isTimeout } from "./client.ts";
import { DockerContainers } from "./containers.ts";
import { describeEngine } from "./describe.ts";
import type { Connection } from "./describe.ts";
import { watchEvents } from "./events.ts";
import { readFailure } from "./failure.ts";
import { probeGpus } from "./gpus.ts";
import { DockerImages } from "./images.ts";
import { agreeOnVersion, greet, greetDeadlineMs, sshGreetDeadlineMs } from "./negotiate.ts";
import { DockerNetworks } from "./networks.ts";
import { listStacks, observe } from "./observe.ts";
import { openTransport } from "./transport.ts";
import { DockerVolumes } from "./volumes.ts";

/** What an engine is opened with. */
export type OpenOptions = Readonly<{
  endpoint: Endpoint;
  configuration: DockerConfiguration;
  environment: Readonly<Record<string, string | undefined>>;
  /** Sockets that do answer, asked for when this endpoint does not. */
  alternatives: () => Promise<readonly string[]>;
  /** A pull without a byte for this long is given up; 60 s when undefined. */
  stallMs?: number;
}>;

/** Connects and agrees on an API version; throws the classes of errors/connection.ts. */
export async function openDockerEngine(options: OpenOptions): Promise<Engine> {
  const { endpoint, environment } = options;
  const agent = await openTransport(endpoint.address);
  const name = `${endpoint.url} (${endpoint.source})`;
  const modem = (version?: string) => openModem(options, agent, version);
  try {
    const greeting = await greet(modem(), greetDeadline(endpoint)).catch(async (error: unknown) => {
      throw await unreachable(error, name, options);
    });
    const apiVersion = agreeOnVersion(greeting.apiVersion, name, environment["DOCKER_API_VERSION"]);
    const client = new DockerClient({ docker: modem(apiVersion), endpoint: name });
    return new DockerEngine({
      client,
      options,
      connection: { endpoint, greeting, apiVersion },
      close: () => agent.destroy(),
    });
  } catch (error) {
    agent.destroy();
    throw error;
  }
}

const greetDeadline = ({ address }: Endpoint) =>
  address.kind === "ssh" ? sshGreetDeadlineMs : greetDeadlineMs;

async function unreachable(
  error: unknown,
  name: string,
  { endpoint, alternatives }: OpenOptions,
): Promise<unknown> {
  if (isTimeout(error)) return new EngineSilentError(`connect to ${name}`, greetDeadline(endpoint));
  const context = {
    call: "connect",
    endpoint: name,
    reached: false,
    alternatives: await alternatives(),
  };
  return readFailure(error, context);
}

function openModem({ configuration }: OpenOptions, agent: object, version?: string): Docker {
  const options = {
    protocol: "http" as const,
    socketPath: "the agent knows where",
    agent,
    headers: { ...configuration.HttpHeaders },
    ...(version === undefined ? {} : { version: `v${version}` }),
  };
  return unseen("DOCKER_HOST", () => new Docker(options));
}

/**
 * dockerode finds an engine of its own in DOCKER_HOST and what belongs to it, and fails when a certificate is
 * missing there; but the endpoint is known already, and may be another one.
 */
function unseen<Made>(variable: string, make: () => Made): Made {
  const value = process.env[variable];
  Reflect.deleteProperty(process.env, variable);
  try {
    return make();
  } finally {
    if (value !== undefined) process.env[variable] = value;
  }
}

type Parts = Readonly<{
  client: DockerClient;
  options: OpenOptions;
  connection: Connection;
  close: () => void;
}>;

class DockerEngine implements Engine {
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly containers: Containers;
  readonly #client: DockerClient;
  readonly #connection: Connection;
  readonly #close: () => void;

  constructor({ client, options, connection, close }: Parts) {
    this.#client = client;
    this.#connection = connection;
    this.#close = close;
    const podman = connection.greeting.kind === "podman";
    this.images = new DockerImages(client, {
      sources: options,
      podman,
      stallMs: options.stallMs ?? 60_000,
    });
    this.networks = new DockerNetworks(client);
    this.volumes = new DockerVolumes(client);
    this.containers = new DockerContainers(client, async () => (await this.describe()).local);
  }

  async describe(): Promise<EngineDescription> {
    return describeEngine(this.#client, this.#connection);
  }

  async observe(stack: string, images: readonly string[]): Promise<Observed> {
    return observe(this.#client, stack, images);
  }

  async stacks(): Promise<readonly string[]> {
    return listStacks(this.#client);
  }

  events(stack: string, signal: AbortSignal): AsyncIterable<EngineEvent> {
    return watchEvents(this.#client, stack, signal);
  }

  async gpus(image: string): Promise<readonly Gpu[]> {
    return probeGpus(this.#client, image, await this.describe());
  }

  close(): void {
    this.#close();
  }
}
