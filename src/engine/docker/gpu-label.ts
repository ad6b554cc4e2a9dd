/** What is written down about GPUs on containers: a label of JSON, in nvidia-smi's words where it has some. */
import { z } from "zod";
import type { Gpu, GpuNote } from "../gpu.ts";

const gpusLabel = "io.nexus.gpus";

type Labels = Readonly<Record<string, string>>;

const gpuSchema = z.object({
  id: z.string(),
  name: z.string(),
  vendor: z.enum(["nvidia", "amd"]),
  memory: z.number().optional(),
  compute: z.string().optional(),
  driver: z.string().optional(),
  gfx: z.string().optional(),
});

const noteSchema = z.object({
  known: z.array(gpuSchema),
  holds: z.array(z.string()),
  vram: z.number().optional(),
});

/** The label that keeps a note; sizes in bytes. */
export function gpuLabels({ known, holds, vramBytes }: GpuNote): Labels {
  const note = { known: known.map(writtenGpu), holds, vram: vramBytes };
  return { [gpusLabel]: JSON.stringify(note) };
}

function writtenGpu({ memoryBytes, usedBytes: _used, ...rest }: Gpu): z.input<typeof gpuSchema> {
  return { ...rest, memory: memoryBytes };
}

/** Reads a note back; undefined where there is none, or none that can be read. */
export function readGpuNote(labels: Labels): GpuNote | undefined {
  const note = noteSchema.safeParse(parsed(labels[gpusLabel]));
  if (!note.success) return undefined;
  const { known, holds, vram } = note.data;
  return { known: known.map(readGpu), holds, ...(vram === undefined ? {} : { vramBytes: vram }) };
}

function readGpu({ id, name, vendor, memory, ...facts }: z.output<typeof gpuSchema>): Gpu {
  const { compute, driver, gfx } = facts;
  return {
    id,
    name,
    vendor,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(compute === undefined ? {} : { compute }),
    ...(driver === undefined ? {} : { driver }),
    ...(gfx === undefined ? {} : { gfx }),
  };
}

function parsed(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
