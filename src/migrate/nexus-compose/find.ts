/** Finds the compose files of Nexus's ancestor: one file in the beginning, later one for each component. */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ComposeNotFoundError, findCompose } from "../compose/find.ts";
import type { ComposeSource } from "../compose/read.ts";

/** Files for developing and for one kind of host are no components: they are named where they are meant. */
const component = /^docker-compose\.([a-z0-9-]+)\.ya?ml$/;
const gatewayFile = "docker-compose.gateway.yml";

/** The project of these paths; a folder without one Compose file is all of its components, the gateway first. Throws ComposeNotFoundError. */
export function findNexusCompose(
  paths: readonly string[],
  environment: ComposeSource["environment"],
): ComposeSource {
  try {
    return findCompose(paths, environment);
  } catch (error) {
    const [folder = ".", ...others] = paths;
    const files = others.length > 0 ? [] : componentsOf(resolve(folder));
    if (files.length === 0 || !(error instanceof ComposeNotFoundError)) throw error;
    return findCompose(files.length > 1 ? files : [files[0] ?? folder], environment);
  }
}

/** Whether there is such a project at these paths. */
export function hasNexusCompose(
  paths: readonly string[],
  environment: ComposeSource["environment"],
): boolean {
  try {
    return findNexusCompose(paths, environment).files.length > 0;
  } catch (error) {
    if (error instanceof ComposeNotFoundError) return false;
    throw error;
  }
}

function componentsOf(folder: string): readonly string[] {
  const names = namesIn(folder).filter((name) => component.test(name));
  const ordered = names.toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  return ordered.map((name) => join(folder, name));
}

/** The first file's folder is the project's. */
function rank(name: string): number {
  return name === gatewayFile ? 0 : 1;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
