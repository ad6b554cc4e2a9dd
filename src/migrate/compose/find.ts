/** Finds the files of a Compose project, and reads them. Nothing is ever written there. */
import { readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { exitCodes, NexusError } from "../../errors.ts";
import { parseEnvFile } from "../../stack/dotenv.ts";
import type { ComposeSource, TextOf } from "./read.ts";

/** There is no Compose file where one was looked for. */
export class ComposeNotFoundError extends NexusError {
  readonly code = "NEXUS_COMPOSE_NOT_FOUND";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Name the file or its folder: `nexus migrate --from compose --source DIR`.";
  override readonly details: Readonly<{ path: string }>;

  constructor(path: string) {
    super(`There is no Compose file at ${path}.`);
    this.details = { path };
  }
}

/** In Compose's own order (https://docs.docker.com/compose/intro/compose-application-model/). */
const names = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/**
 * The project of these paths: one file or folder with its override file, or several files of which the last wins, as with
 * Compose's `-f`. A folder whose `.env`, or the environment, says COMPOSE_FILE is the files that it names. Throws
 * {@link ComposeNotFoundError}.
 */
export function findCompose(
  paths: readonly string[],
  environment: ComposeSource["environment"],
): ComposeSource {
  const [first = ".", ...others] = paths;
  if (others.length > 0) return { files: paths.map(existing), textOf, environment };
  const at = resolve(first);
  if (isFile(at)) return { files: withOverride(at), textOf, environment };
  const named = namedFiles(at, environment);
  if (named.length > 0) return { files: named.map(existing), textOf, environment };
  const file = names.map((name) => join(at, name)).find(isFile);
  if (file === undefined) throw new ComposeNotFoundError(at);
  return { files: withOverride(file), textOf, environment };
}

/** Throws {@link ComposeNotFoundError}. */
function existing(path: string): string {
  const file = resolve(path);
  if (!isFile(file)) throw new ComposeNotFoundError(file);
  return file;
}

function withOverride(file: string): readonly string[] {
  const override = file.replace(/(\.ya?ml)$/, ".override$1");
  const others = [override, override.replace(/ya?ml$/, (end) => (end === "yml" ? "yaml" : "yml"))];
  const found = others
    .filter((other) => other !== file && dirname(other) === dirname(file))
    .find(isFile);
  return found === undefined ? [file] : [file, found];
}

/** What COMPOSE_FILE names (https://docs.docker.com/compose/how-tos/environment-variables/envvars/); its paths are meant from the folder. */
function namedFiles(folder: string, environment: ComposeSource["environment"]): readonly string[] {
  const own = parseEnvFile(textOf(join(folder, ".env")) ?? "", new Map()).entries;
  const said = (name: string): string | undefined =>
    environment[name] ?? own.findLast((entry) => entry.name === name)?.value;
  const separator = said("COMPOSE_PATH_SEPARATOR") ?? delimiter;
  const list = said("COMPOSE_FILE")?.split(separator) ?? [];
  return list.filter((name) => name !== "").map((name) => resolve(folder, name));
}

/** The text of a file of this machine. */
export const textOf: TextOf = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
