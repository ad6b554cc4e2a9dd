/** Finds the files of a Compose project, and reads them. Nothing is ever written there. */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { exitCodes, NexusError } from "../../errors.ts";
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

/** The project at a file or in a folder, with its override file. Throws {@link ComposeNotFoundError}. */
export function findCompose(
  path: string,
  environment: ComposeSource["environment"],
): ComposeSource {
  const at = resolve(path);
  const file = isFile(at) ? at : names.map((name) => join(at, name)).find(isFile);
  if (file === undefined) throw new ComposeNotFoundError(at);
  const override = file.replace(/(\.ya?ml)$/, ".override$1");
  const others = [override, override.replace(/ya?ml$/, (end) => (end === "yml" ? "yaml" : "yml"))];
  const found = others
    .filter((other) => other !== file && dirname(other) === dirname(file))
    .find(isFile);
  return { files: found === undefined ? [file] : [file, found], textOf, environment };
}

const textOf: TextOf = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
