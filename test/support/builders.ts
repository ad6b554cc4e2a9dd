/** Small wholes for tests: a stack, services, and what an engine has, all with sensible defaults to override. */
import type {
  EngineDescription,
  ForeignContainer,
  Gpu,
  Identity,
  Observed,
  ObservedContainer,
  ObservedImage,
  ObservedNetwork,
  ObservedVolume,
} from "../../src/engine/engine.ts";
import type { Probe } from "../../src/gateway/config.ts";
import type { StackReadiness } from "../../src/gateway/protocol.ts";
import type { UpInput } from "../../src/plan/plan.ts";
import type { ContainerService, ExternalService, Stack } from "../../src/stack/stack.ts";

export const gib = 1024 ** 3;

/** The contract's probe. */
export const contractProbe: Probe = {
  path: "/readyz",
  status: [200],
  loading: [503],
  models: "none",
};

/** A service that chats on port 8000. */
export function service(name: string, overrides: Partial<ContainerService> = {}): ContainerService {
  return {
    kind: "container",
    name,
    origin: "nexus.yaml:1",
    provides: ["chat"],
    models: [],
    probe: contractProbe,
    ready: "ready",
    stallTimeoutMs: 60_000,
    apiPath: "/v1",
    dependsOn: [],
    image: { kind: "pull", ref: `${name}:1`, pullPolicy: "missing" },
    port: 8000,
    environment: {},
    readOnly: false,
    init: true,
    capAdd: [],
    mounts: [],
    ports: [],
    gpus: { kind: "none" },
    limits: { pids: 512 },
    restart: { name: "unless-stopped" },
    devices: [],
    groupAdd: [],
    extraHosts: [],
    labels: {},
    stopGraceMs: 10_000,
    stableMs: 300,
    egress: true,
    secrets: [],
    modelPull: "none",
    oneShot: false,
    ...overrides,
  };
}

/** A job that is done when it exits 0. */
export function job(name: string, overrides: Partial<ContainerService> = {}): ContainerService {
  const { port: _port, probe: _probe, ...rest } = service(name);
  return {
    ...rest,
    ready: "running",
    provides: [],
    restart: { name: "no" },
    oneShot: true,
    ...overrides,
  };
}

/** An endpoint that Nexus does not run. */
export function external(name: string, overrides: Partial<ExternalService> = {}): ExternalService {
  return {
    kind: "external",
    name,
    origin: "nexus.yaml:1",
    url: `http://${name}.example:10240/v1`,
    provides: ["chat"],
    models: [],
    probe: contractProbe,
    ready: "ready",
    stallTimeoutMs: 60_000,
    apiPath: "/v1",
    dependsOn: [],
    ...overrides,
  };
}

/** The stack `home` with these services. */
export function stackOf(services: Stack["services"], overrides: Partial<Stack> = {}): Stack {
  return {
    name: "home",
    file: "/home/me/nexus.yaml",
    directory: "/home/me",
    gateway: {
      port: 8800,
      observabilityPort: 8801,
      host: "127.0.0.1",
      aliases: {},
      aliasCaps: {},
      aliasRules: {},
      aliasesWithoutTools: [],
      timeouts: {},
      limits: { pids: 512 },
    },
    services,
    volumes: [],
    ...overrides,
  };
}

/** What an engine has: nothing, unless said. */
export function observedOf(parts: Partial<Observed> = {}): Observed {
  return { containers: [], foreign: [], networks: [], volumes: [], images: {}, ...parts };
}

/** A container of the stack `home`, running and ready: `home-ollama-1`. */
export function container(
  serviceName: string,
  overrides: Partial<Omit<ObservedContainer, "identity">> &
    Readonly<{ identity?: Partial<Identity> }> = {},
): ObservedContainer {
  const identity: Identity = {
    stack: "home",
    service: serviceName,
    role: serviceName === "gateway" ? "gateway" : "service",
    generation: 1,
    configHash: "1-",
    version: "1.0.0",
    ...overrides.identity,
  };
  const name = `home-${serviceName}-${identity.generation}`;
  return {
    id: `id-${name}`,
    name,
    image: `${serviceName}:1`,
    imageId: `sha256:${serviceName}:1`,
    state: "running",
    exitCode: 0,
    oomKilled: false,
    error: "",
    startedAt: "2026-01-01T00:00:00Z",
    finishedAt: "",
    restartCount: 0,
    restart: { name: "unless-stopped" },
    limits: { pids: 512 },
    networks: [{ id: "net-home", name: "home", aliases: [serviceName] }],
    volumes: [],
    ports: [],
    security: {
      readOnly: false,
      privileged: false,
      noNewPrivileges: true,
      capAdd: [],
      capDrop: ["ALL"],
      user: "",
    },
    ...overrides,
    identity,
  };
}

/** A running container of somebody else's. */
export function foreign(name: string, overrides: Partial<ForeignContainer> = {}): ForeignContainer {
  return {
    id: `id-${name}`,
    name,
    image: "nginx:1",
    running: true,
    createdAt: "2026-01-01T00:00:00.000Z",
    ports: [],
    volumes: [],
    ...overrides,
  };
}

export function network(name: string, overrides: Partial<ObservedNetwork> = {}): ObservedNetwork {
  return { id: `net-${name}`, name, stack: "home", internal: false, containers: [], ...overrides };
}

export function volume(name: string, overrides: Partial<ObservedVolume> = {}): ObservedVolume {
  return {
    name,
    stack: "home",
    driver: "local",
    labels: {},
    createdAt: "2026-01-01T00:00:00Z",
    ...overrides,
  };
}

export function image(id: string, overrides: Partial<ObservedImage> = {}): ObservedImage {
  return {
    id: `sha256:${id}`,
    digests: [],
    architecture: "amd64",
    os: "linux",
    sizeBytes: 1e8,
    ...overrides,
  };
}

export function gpu(id: string, overrides: Partial<Gpu> = {}): Gpu {
  return { id, name: "RTX 4090", vendor: "nvidia", memoryBytes: 24 * gib, ...overrides };
}

/** A local Docker Engine on Debian, without GPUs unless said. */
export function engineDescription(overrides: Partial<EngineDescription> = {}): EngineDescription {
  return {
    id: "engine-1",
    kind: "docker",
    version: "20.10.24",
    apiVersion: "1.41",
    os: "linux",
    system: "Debian GNU/Linux 12 (bookworm)",
    architecture: "amd64",
    cpus: 8,
    memoryBytes: 32 * gib,
    rootless: false,
    virtualMachine: false,
    endpoint: "unix:///var/run/docker.sock",
    local: true,
    gpuKinds: [],
    cdiDevices: [],
    cgroupDriver: "cgroupfs",
    rootDir: "/var/lib/docker",
    clockSkewMs: 0,
    ...overrides,
  };
}

/** What the gateway says when these upstreams are in force, by id and url, all ready unless said. */
export function readinessOf(
  configHash: string,
  services: readonly (Pick<StackReadiness["services"][number], "id" | "url"> &
    Partial<StackReadiness["services"][number]>)[],
): StackReadiness {
  const ready = {
    in_flight: 0,
    state: "ready",
    detail: "GET /readyz said 200",
    status: 200,
    missing_models: [],
    present_models: [],
    progress_token: "1",
  } as const;
  return {
    status: "ready",
    stack: "home",
    container: "0123456789ab",
    config_hash: configHash,
    keys: 1,
    in_flight: 0,
    services: services.map((each) => ({ ...ready, ...each })),
  };
}

/** What `up` plans from: a stack, on an engine that has nothing. */
export function upInput(stack: Stack, overrides: Partial<UpInput> = {}): UpInput {
  return {
    stack,
    observed: observedOf(),
    engine: engineDescription(),
    gpus: [],
    gateway: { image: "nexus-gateway:abc" },
    version: "1.0.0",
    secretDigests: {},
    serviceKeys: {},
    ...overrides,
  };
}
