/** Carries a migration of a project out: reads, converts, and writes what was agreed to. */
import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readCatalog } from "../../catalog/catalog.ts";
import type { ForeignContainer, Observed } from "../../engine/engine.ts";
import { exitCodes, NexusError } from "../../errors.ts";
import { ignoreSecrets } from "../../stack/new-stack.ts";
import type { Ancestor } from "../nexus-compose/ancestor.ts";
import { hasNexusCompose } from "../nexus-compose/find.ts";
import type { OldData } from "../nexus-compose/old-data.ts";
import { projectOnEngine } from "../nexus-compose/on-engine.ts";
import { type Origin, readProject } from "../projects.ts";
import type { Conversion } from "./convert.ts";
import { type Inventory, takeInventory } from "./inventory.ts";
import type { ComposeSource } from "./read.ts";
import { FileExistsError, writeNew } from "./write-new.ts";
import { stackText } from "./write.ts";

/** A project, the stack that it becomes, and where that would be written. */
export type Migration = Readonly<{
  from: Origin;
  sources: readonly string[];
  file: string;
  text: string;
  conversion: Conversion;
  /** Undefined when no engine could be asked. */
  inventory?: Inventory;
  /** What of the ancestor's gateway goes along; undefined for other projects. */
  ancestor?: Ancestor;
  /** The container of that gateway, where the engine has it. */
  gateway?: ForeignContainer;
  /** The volume with what it kept, where the engine has that, and no container of the gateway to read it through. */
  unreadable?: string;
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

/** What is asked for: which project, and the stack file's name. */
export type MigrationWish = Readonly<{
  from: Origin;
  /** Where the project lies; undefined: where the command runs, or where its containers say. */
  source?: readonly string[] | undefined;
  output?: string | undefined;
}>;

/**
 * Reads and converts; writes nothing. `observe` is asked under a stack's name, and under none. Throws
 * ComposeNotFoundError, SeveralProjectsError, OutputElsewhereError.
 */
export async function prepareMigration(
  { from, source, output = "nexus.yaml" }: MigrationWish,
  environment: ComposeSource["environment"],
  observe: (name: string) => Promise<Observed | undefined>,
): Promise<Migration> {
  if (basename(output) !== output) throw new OutputElsewhereError(output);
  const paths = source ?? (await usualPaths(from, environment, observe));
  const project = readProject({ from, paths, environment }, await readCatalog());
  const { name, variables, conversion, ancestor } = project;
  const observed = await observe(conversion.name);
  return {
    from,
    sources: project.files,
    file: join(project.directory, output),
    text: stackText(conversion, project.files, from),
    conversion,
    ...(ancestor && { ancestor }),
    ...(ancestor?.data && observed && keeperOf(ancestor.data, name, observed)),
    ...(observed && {
      inventory: takeInventory(conversion, observed, { project: name, variables }),
    }),
  };
}

/** The container that has what the gateway kept, else the volume alone. */
function keeperOf(
  { service, volume }: OldData,
  project: string,
  { foreign, volumes }: Observed,
): Pick<Migration, "gateway" | "unreadable"> {
  const gateway = foreign.find(
    ({ owner, compose }) => owner === project && compose?.service === service,
  );
  if (gateway) return { gateway };
  const found = volumes.find(
    ({ labels }) =>
      labels["com.docker.compose.project"] === project &&
      labels["com.docker.compose.volume"] === volume,
  );
  return found ? { unreadable: found.name } : {};
}

/** This folder; else where the containers of the ancestor's project say that it lies. */
async function usualPaths(
  from: Origin,
  environment: ComposeSource["environment"],
  observe: (name: string) => Promise<Observed | undefined>,
): Promise<readonly string[]> {
  const here = ["."];
  if (from !== "nexus-compose" || hasNexusCompose(here, environment)) return here;
  return projectOnEngine((await observe(""))?.foreign ?? []) ?? here;
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
