/** The engine itself, from `GET /info`. */
import { access } from "node:fs/promises";
import os from "node:os";
import { z } from "zod";
import type { EngineDescription, GpuDevices } from "../engine.ts";
import type { Endpoint } from "../endpoint.ts";
import type { DockerClient } from "./client.ts";
import type { Greeting } from "./negotiate.ts";

/** The parts of `GET /info` that matter (Engine API 1.41; `DiscoveredDevices` since 1.50). */
const systemInfo = z.object({
  ID: z.string().default(""),
  Name: z.string().default(""),
  ServerVersion: z.string().default(""),
  OSType: z.string().default("linux"),
  Architecture: z.string().default(""),
  KernelVersion: z.string().default(""),
  OperatingSystem: z.string().default(""),
  NCPU: z.number().default(0),
  MemTotal: z.number().default(0),
  CgroupDriver: z.string().default(""),
  DockerRootDir: z.string().default(""),
  SystemTime: z.string().default(""),
  SecurityOptions: z.array(z.string()).nullish(),
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  DiscoveredDevices: z.array(z.object({ ID: z.string() })).nullish(),
});

type SystemInfo = z.infer<typeof systemInfo>;

/** `/info` with the engine's clock against ours: `skewMs` is engine minus here, right to within half the round trip. */
export async function readInfo(
  client: DockerClient,
): Promise<Readonly<{ info: SystemInfo; skewMs: number; roundTripMs: number }>> {
  const sent = Date.now();
  const info = systemInfo.parse(
    await client.read("ask the engine about itself", async (docker) => docker.info()),
  );
  const received = Date.now();
  const engineTime = Date.parse(info.SystemTime);
  const skewMs = Number.isNaN(engineTime) ? 0 : engineTime - (sent + received) / 2;
  return { info, skewMs, roundTripMs: received - sent };
}

/** What was agreed when connecting. */
export type Connection = Readonly<{ endpoint: Endpoint; greeting: Greeting; apiVersion: string }>;

/** Describes the engine behind a connection. */
export async function describeEngine(
  client: DockerClient,
  connection: Connection,
): Promise<EngineDescription> {
  const { info, skewMs } = await readInfo(client);
  const { endpoint, greeting, apiVersion } = connection;
  const virtualMachine = isVirtualMachine(info);
  const local = isLocal(info, endpoint) && !virtualMachine;
  const cdiDevices = (info.DiscoveredDevices ?? []).map((device) => device.ID);
  return {
    id: engineId(info, greeting),
    kind: greeting.kind,
    version: info.ServerVersion,
    apiVersion,
    os: info.OSType,
    system: info.OperatingSystem,
    architecture: imageArchitecture(info.Architecture),
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    rootless: (info.SecurityOptions ?? []).some((option) => option.includes("name=rootless")),
    virtualMachine,
    endpoint: client.endpoint,
    local,
    gpuKinds: await gpuKinds({ info, greeting, local, cdiDevices }),
    cdiDevices,
    cgroupDriver: info.CgroupDriver,
    rootDir: info.DockerRootDir,
    clockSkewMs: Math.round(skewMs),
    warnings: endpoint.warnings,
  };
}

/** Podman invents a new id for every call. */
function engineId(info: SystemInfo, { kind }: Greeting): string {
  return kind === "podman" ? `podman:${info.Name}:${info.DockerRootDir}` : info.ID;
}

function isVirtualMachine({ OperatingSystem, Name }: SystemInfo): boolean {
  return (
    /docker desktop|orbstack|rancher desktop/i.test(OperatingSystem) ||
    /^(colima|lima-|docker-desktop)/.test(Name)
  );
}

function isLocal({ KernelVersion }: SystemInfo, { address }: Endpoint): boolean {
  return address.kind === "unix" && process.platform === "linux" && KernelVersion === os.release();
}

/** The engine says `x86_64` where images say `amd64`. */
export function imageArchitecture(machine: string): string {
  const names: Readonly<Record<string, string>> = {
    x86_64: "amd64",
    aarch64: "arm64",
    armv7l: "arm",
    i686: "386",
  };
  return names[machine] ?? machine;
}

async function gpuKinds(
  engine: Readonly<{
    info: SystemInfo;
    greeting: Greeting;
    local: boolean;
    cdiDevices: readonly string[];
  }>,
): Promise<readonly GpuDevices["kind"][]> {
  const { info, greeting, local, cdiDevices } = engine;
  // Podman accepts NVIDIA device requests and starts the container without a GPU.
  const nvidia = greeting.kind === "docker" && info.Runtimes?.["nvidia"] !== undefined;
  const amd =
    local &&
    (await access("/dev/kfd").then(
      () => true,
      () => false,
    ));
  return [
    ...(nvidia ? (["nvidia"] as const) : []),
    ...(cdiDevices.some((id) => id.includes("/gpu=")) ? (["cdi"] as const) : []),
    ...(amd ? (["amd"] as const) : []),
  ];
}
