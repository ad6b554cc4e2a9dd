/** GPUs as a container sees them: the engine's own list shows configuration, not a working driver. */
import { readFile, readdir } from "node:fs/promises";
import type Docker from "dockerode";
import type { EngineDescription, Gpu } from "../engine.ts";
import type { DockerClient } from "./client.ts";
import { readLogs } from "./logs.ts";

const query = ["--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"];
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
  const [seen, amd] = await Promise.all([
    nvidia ? askInContainer(client, image, request).catch(() => []) : [],
    gpuKinds.includes("amd") ? amdGpus("/sys/class/drm") : [],
  ]);
  return [...seen, ...amd];
}

async function askInContainer(
  client: DockerClient,
  image: string,
  request: Docker.DeviceRequest,
): Promise<readonly Gpu[]> {
  const container = await client.write("create a GPU probe", async (docker) =>
    docker.createContainer({
      _query: {},
      _body: probeBody(image, request),
    } as Docker.ContainerCreateOptions),
  );
  try {
    await client.write("start a GPU probe", async () => container.start());
    await client.write("wait for a GPU probe", async () => container.wait(), probeDeadlineMs);
    const lines = await Array.fromAsync(readLogs(client, container.id, {}));
    return lines.flatMap(({ stream, text }) => (stream === "stdout" ? readGpu(text) : []));
  } finally {
    await client.write("remove a GPU probe", async () =>
      container.remove({ force: true, v: true }),
    );
  }
}

function probeBody(image: string, request: Docker.DeviceRequest): Docker.ContainerCreateOptions {
  return {
    Image: image,
    Entrypoint: ["nvidia-smi"],
    Cmd: query,
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

/** Reads a line of nvidia-smi's CSV, such as `GPU-8f…, NVIDIA L4, 23034` (MiB). */
export function readGpu(line: string): readonly Gpu[] {
  const [id = "", name = "", memory = ""] = line.split(",").map((cell) => cell.trim());
  if (!/^(?:GPU|MIG)-/.test(id)) return [];
  const mebibytes = Number.parseInt(memory, 10);
  return [{ id, name, ...(Number.isNaN(mebibytes) ? {} : { memoryBytes: mebibytes * 1024 ** 2 }) }];
}

/** AMD GPUs of this machine, by render node (Linux amdgpu sysfs: vendor 0x1002, mem_info_vram_total in bytes). */
export async function amdGpus(folder: string): Promise<readonly Gpu[]> {
  const nodes = (await readdir(folder).catch(() => [])).filter((name) => /^renderD\d+$/.test(name));
  const found = await Promise.all(nodes.toSorted().map(async (node) => readAmdGpu(folder, node)));
  return found.flat();
}

async function readAmdGpu(folder: string, node: string): Promise<readonly Gpu[]> {
  const read = async (file: string) =>
    (await readFile(`${folder}/${node}/device/${file}`, "utf8").catch(() => "")).trim();
  if ((await read("vendor")) !== "0x1002") return [];
  const [product, memory] = await Promise.all([read("product_name"), read("mem_info_vram_total")]);
  const name = product === "" ? "AMD GPU" : product;
  return [
    { id: `/dev/dri/${node}`, name, ...(memory === "" ? {} : { memoryBytes: Number(memory) }) },
  ];
}
