/** GPUs as a container sees them: the engine's own list shows configuration, not a working driver. */
import type Docker from "dockerode";
import type { EngineDescription, Gpu } from "../engine.ts";
import { amdGpus } from "./amd-gpus.ts";
import type { DockerClient } from "./client.ts";
import { readLogs } from "./logs.ts";

/** What nvidia-smi is asked for (`nvidia-smi --help-query-gpu`), the indispensable first. */
const allFields = [
  "uuid",
  "name",
  "memory.total",
  "memory.used",
  "compute_cap",
  "driver_version",
] as const;

/** A field that nvidia-smi can be asked for. */
export type GpuField = (typeof allFields)[number];

const probeDeadlineMs = 60_000;

/** Asks for them in a throw-away container of `image`, then this machine's AMD devices; whatever fails counts as none. */
export async function probeGpus(
  client: DockerClient,
  image: string,
  { gpuKinds, cdiDevices }: EngineDescription,
): Promise<readonly Gpu[]> {
  const nvidiaByCdi = cdiDevices.some((device) => device.startsWith("nvidia.com/gpu="));
  const nvidia = gpuKinds.includes("nvidia") || nvidiaByCdi;
  const request: Docker.DeviceRequest = gpuKinds.includes("nvidia")
    ? { Driver: "nvidia", Count: -1, Capabilities: [["gpu", "utility"]] }
    : { Driver: "cdi", DeviceIDs: ["nvidia.com/gpu=all"] };
  const ask = async (fields: readonly GpuField[]) =>
    askInContainer(client, probeBody({ image, request, fields }));
  const [seen, amd] = await Promise.all([
    nvidia ? readGpus(ask).catch(() => []) : [],
    gpuKinds.includes("amd") ? amdGpus("/sys/class/drm") : [],
  ]);
  return [...seen, ...amd];
}

/** Asks for every fact, and again without those that the driver is too old to know. */
export async function readGpus(
  ask: (fields: readonly GpuField[]) => Promise<readonly string[]>,
): Promise<readonly Gpu[]> {
  let fields: readonly GpuField[] = allFields;
  for (;;) {
    const asked = fields;
    const lines = await ask(asked);
    const gpus = lines.flatMap((line) => readGpu(line, asked));
    const refused = lines.map((line) => /Field "(.+)" is not a valid field/.exec(line)?.[1]);
    fields = asked.filter((field) => !refused.includes(field));
    if (gpus.length > 0 || fields.length === asked.length) return gpus;
  }
}

async function askInContainer(
  client: DockerClient,
  body: Docker.ContainerCreateOptions,
): Promise<readonly string[]> {
  const container = await client.write("create a GPU probe", async (docker) =>
    docker.createContainer({ _query: {}, _body: body } as unknown as Docker.ContainerCreateOptions),
  );
  try {
    await client.write("start a GPU probe", async () => container.start());
    await client.write("wait for a GPU probe", async () => container.wait(), probeDeadlineMs);
    const lines = await Array.fromAsync(readLogs(client, container.id, {}));
    return lines.map(({ text }) => text);
  } finally {
    await client.write("remove a GPU probe", async () =>
      container.remove({ force: true, v: true }),
    );
  }
}

type Probe = Readonly<{
  image: string;
  request: Docker.DeviceRequest;
  fields: readonly GpuField[];
}>;

function probeBody({ image, request, fields }: Probe): Docker.ContainerCreateOptions {
  return {
    Image: image,
    Entrypoint: ["nvidia-smi"],
    Cmd: [`--query-gpu=${fields.join()}`, "--format=csv,noheader,nounits"],
    User: "65534:65534",
    Labels: { "io.nexus.probe": "gpu" },
    HostConfig: {
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      PidsLimit: 64,
      LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
      DeviceRequests: [request],
    },
  };
}

/** Reads a line of nvidia-smi's CSV, such as `GPU-8f…, NVIDIA L4, 23034, 312, 8.9, 580.65.06` (sizes in MiB). */
export function readGpu(line: string, fields: readonly GpuField[] = allFields): readonly Gpu[] {
  const cells = line.split(",").map((cell) => cell.trim());
  const at = (field: GpuField) => known(cells[fields.indexOf(field)]);
  const id = at("uuid") ?? "";
  if (!/^(?:GPU|MIG)-/.test(id)) return [];
  const [memoryBytes, usedBytes] = [bytes(at("memory.total")), bytes(at("memory.used"))];
  const [compute, driver] = [at("compute_cap"), at("driver_version")];
  return [
    {
      id,
      name: at("name") ?? "NVIDIA GPU",
      vendor: "nvidia",
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(usedBytes === undefined ? {} : { usedBytes }),
      ...(compute === undefined ? {} : { compute }),
      ...(driver === undefined ? {} : { driver }),
    },
  ];
}

/** nvidia-smi says `[N/A]` or `[Not Supported]` for what it does not know. */
function known(cell: string | undefined): string | undefined {
  return cell === undefined || cell === "" || cell.startsWith("[") ? undefined : cell;
}

function bytes(mebibytes: string | undefined): number | undefined {
  const count = Number.parseInt(mebibytes ?? "", 10);
  return Number.isNaN(count) ? undefined : count * 1024 ** 2;
}
