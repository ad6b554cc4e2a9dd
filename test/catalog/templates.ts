/** Templates and machines for tests of choosing. */
import type { Machine, MachineGpu } from "../../src/catalog/machine.ts";
import { type Template, templateSchema } from "../../src/catalog/template.ts";

/** A small valid template with these keys. */
export function templateOf(id: string, keys: object = {}): Template {
  const read = templateSchema.parse({
    id,
    title: id,
    description: `What ${id} is for.`,
    homepage: "https://x.example",
    licence: "MIT",
    service: { image: `${id}:1`, port: 80 },
    provenance: [{ fact: "all", source: "here" }],
    ...keys,
  });
  return { ...read, directory: `/t/${id}`, file: `/t/${id}/service.yaml` };
}

/** A machine with these GPUs, amd64 unless said otherwise. */
export function machineWith(gpus: readonly MachineGpu[] = [], architecture = "amd64"): Machine {
  return { architecture, gpus };
}

/** A GPU of NVIDIA's as an engine's container tells of it. */
export function nvidia(
  name: string,
  compute: string,
  gibibytes: number,
  driver = "580.65.06",
): MachineGpu {
  return {
    id: `GPU-${name.replaceAll(" ", "-")}`,
    vendor: "nvidia",
    name: `NVIDIA ${name}`,
    compute,
    driver,
    memoryBytes: gibibytes * 1024 ** 3,
  };
}

/** A GPU of AMD's. */
export function amd(name: string, gibibytes: number): MachineGpu {
  return {
    id: `/dev/dri/${name.replaceAll(" ", "-")}`,
    vendor: "amd",
    name: `AMD ${name}`,
    memoryBytes: gibibytes * 1024 ** 3,
  };
}
