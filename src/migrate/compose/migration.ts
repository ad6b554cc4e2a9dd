/** Carries a migration from Compose out: reads, converts, and writes what was agreed to. */
import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readCatalog } from "../../catalog/catalog.ts";
import type { Observed } from "../../engine/engine.ts";
import { exitCodes, NexusError } from "../../errors.ts";
import { ignoreSecrets } from "../../stack/new-stack.ts";
import { type Conversion, convertCompose } from "./convert.ts";
import { findCompose } from "./find.ts";
import { type Inventory, takeInventory } from "./inventory.ts";
import { type ComposeSource, readCompose } from "./read.ts";
import { FileExistsError, writeNew } from "./write-new.ts";
import { stackText } from "./write.ts";

/** A project, the stack that it becomes, and where that would be written. */
export type Migration = Readonly<{
  sources: readonly string[];
  file: string;
  text: string;
  conversion: Conversion;
  /** Undefined when no engine could be asked. */
  inventory?: Inventory;
}>;

/** The stack file has to lie where the project does. */
export class OutputElsewhereError extends NexusError {
  readonly code = "NEXUS_OUTPUT_ELSEWHERE";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Give `--output` a file's name alone, such as `--output nexus.new.yaml`.";

  constructor(output: string) {
    super(
      `The stack file cannot be ${output}: its paths and its .env are meant from the folder of the Compose file.`,
    );
  }
}

/** Reads and converts; writes nothing. Throws ComposeNotFoundError, OutputElsewhereError. */
export async function prepareMigration(
  { source, output = "nexus.yaml" }: Readonly<{ source: string; output?: string | undefined }>,
  environment: ComposeSource["environment"],
  observe: (name: string) => Promise<Observed | undefined>,
): Promise<Migration> {
  const project = readCompose(findCompose(source, environment));
  if (basename(output) !== output) throw new OutputElsewhereError(output);
  const conversion = convertCompose(project, await readCatalog());
  const observed = await observe(conversion.name);
  const { name, variables } = project;
  return {
    sources: project.files,
    file: join(project.directory, output),
    text: stackText(conversion, project.files),
    conversion,
    ...(observed && {
      inventory: takeInventory(conversion, observed, { project: name, variables }),
    }),
  };
}

/** Throws {@link FileExistsError} when something that would be written is there. */
export async function refuseOverwriting({ file, conversion }: Migration): Promise<void> {
  const secrets = conversion.secretFiles.map(({ path }) => join(dirname(file), path));
  for (const path of [file, ...secrets]) {
    const there = await stat(path).catch(() => undefined);
    if (there) throw new FileExistsError(path);
  }
}

/** Writes the stack file, and the secrets that must not stand in it. Throws {@link FileExistsError}. */
export async function writeMigration(migration: Migration): Promise<void> {
  await refuseOverwriting(migration);
  const { file, text, conversion } = migration;
  const directory = dirname(file);
  for (const { path, text: lines } of conversion.secretFiles) {
    const place = join(directory, path);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await writeNew(place, lines, 0o600);
  }
  await writeNew(file, text);
  await ignoreSecrets(directory);
}
