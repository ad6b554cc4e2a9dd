/** AMD GPUs of this very machine, from sysfs: only where the engine runs on it, too. */
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Gpu } from "../engine.ts";

const amdVendor = "0x1002";

/** By render node (Linux amdgpu sysfs: vendor 0x1002, mem_info_vram_total and _used in bytes). `folder` is `/sys/class/drm`. */
export async function amdGpus(folder: string): Promise<readonly Gpu[]> {
  const nodes = (await readdir(folder).catch(() => [])).filter((name) => /^renderD\d+$/.test(name));
  const architectures = await gfxByNode(join(dirname(folder), "kfd/kfd/topology/nodes"));
  const found = await Promise.all(
    nodes.toSorted().map(async (node) => readAmdGpu(folder, node, architectures)),
  );
  return found.flat();
}

async function readAmdGpu(
  folder: string,
  node: string,
  architectures: ReadonlyMap<string, string>,
): Promise<readonly Gpu[]> {
  const read = async (file: string) => readText(join(folder, node, "device", file));
  if ((await read("vendor")) !== amdVendor) return [];
  const files = ["product_name", "mem_info_vram_total", "mem_info_vram_used"];
  const [product = "", memory = "", used = ""] = await Promise.all(files.map(read));
  const gfx = architectures.get(node);
  return [
    {
      id: `/dev/dri/${node}`,
      name: product === "" ? "AMD GPU" : product,
      vendor: "amd",
      ...(memory === "" ? {} : { memoryBytes: Number(memory) }),
      ...(used === "" ? {} : { usedBytes: Number(used) }),
      ...(gfx === undefined ? {} : { gfx }),
    },
  ];
}

/** The architecture of every render node (amdkfd topology: `drm_render_minor 128`, `gfx_target_version 110000`). */
async function gfxByNode(folder: string): Promise<ReadonlyMap<string, string>> {
  const nodes = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    nodes.map(async (node) => readText(join(folder, node, "properties"))),
  );
  return new Map(
    texts.flatMap((text) => {
      const value = (name: string) => new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1];
      const [minor, version] = [value("drm_render_minor"), Number(value("gfx_target_version"))];
      return minor === undefined || !version ? [] : [[`renderD${minor}`, gfxName(version)]];
    }),
  );
}

/** `gfx1100` for 110000 and `gfx90a` for 90010: major, minor and step, the last two in hexadecimal. */
function gfxName(version: number): string {
  const [major, minor, step] = [
    Math.floor(version / 10_000),
    Math.floor(version / 100) % 100,
    version % 100,
  ];
  return `gfx${major}${minor.toString(16)}${step.toString(16)}`;
}

async function readText(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).trim();
}
