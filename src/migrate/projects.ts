/** The kinds of project that become a stack file beside their own files. */
import { join, resolve } from "node:path";
import type { Catalog } from "../catalog/catalog.ts";
import type { Variables } from "../stack/interpolate.ts";
import { type Conversion, convertCompose } from "./compose/convert.ts";
import { findCompose } from "./compose/find.ts";
import { type ComposeSource, readCompose } from "./compose/read.ts";
import { convertHarbor } from "./harbor/convert.ts";
import { readHarbor } from "./harbor/read.ts";
import type { Ancestor } from "./nexus-compose/ancestor.ts";
import { convertNexusCompose, withKeyFiles } from "./nexus-compose/convert.ts";
import { findNexusCompose } from "./nexus-compose/find.ts";
import { isOldGateway } from "./nexus-compose/parts.ts";

/** What a project was made with. */
export type Origin = "compose" | "nexus-compose" | "harbor";

/** A project as it was read, and what it becomes. */
export type Project = Readonly<{
  /** What its containers are labelled with. */
  name: string;
  directory: string;
  files: readonly string[];
  variables: Variables;
  conversion: Conversion;
  /** Of the ancestor's projects, where more than a stack file is to be made of them. */
  ancestor?: Ancestor;
}>;

/** Where a project lies, and who asks. */
export type ProjectSource = Readonly<{
  from: Origin;
  /** A folder, a file, or several files of which the last wins. */
  paths: readonly string[];
  environment: ComposeSource["environment"];
}>;

/** Reads a project and converts it; writes nothing. Throws ComposeNotFoundError, HarborNotFoundError. */
export function readProject(
  { from, paths, environment }: ProjectSource,
  catalog: Catalog,
): Project {
  if (from === "harbor") return harborProject(paths, environment, catalog);
  const find = from === "compose" ? findCompose : findNexusCompose;
  const source = find(paths, environment);
  const project = readCompose(source);
  const { name, directory, files, variables } = project;
  // Whoever calls the ancestor's files a Compose project is right as well.
  const isAncestor = project.services.some(({ value }) => isOldGateway(value));
  const read = { name, directory, files, variables };
  if (from === "compose" && !isAncestor)
    return { ...read, conversion: convertCompose(project, catalog) };
  const converted = convertNexusCompose(project, catalog, source.textOf);
  return from === "nexus-compose"
    ? { ...read, ...converted }
    : { ...read, conversion: withKeyFiles(converted) };
}

/** Harbor's folder belongs to Harbor, which updates it: the stack file lies where the command runs. */
function harborProject(
  paths: readonly string[],
  environment: ProjectSource["environment"],
  catalog: Catalog,
): Project {
  const harbor = readHarbor(paths, environment);
  return {
    name: "harbor",
    directory: resolve("."),
    files: [join(harbor.folder, ".env")],
    variables: new Map(),
    conversion: convertHarbor(harbor, catalog),
  };
}
