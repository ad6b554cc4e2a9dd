/** Starts a service of one's own from a template that is built from source. */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { type Catalog, findTemplate } from "./catalog.ts";
import { NoScaffoldError, ScaffoldExistsError } from "./errors.ts";
import type { ServiceKeys, Template } from "./template.ts";

/** What was written, and the service to add to the stack file. */
export type Scaffold = Readonly<{
  directory: string;
  files: readonly string[];
  service: ServiceKeys;
}>;

/** Where a scaffold goes: into `services/<name>` below `directory`, the stack file's folder. */
export type ScaffoldRequest = Readonly<{ template: string; name: string; directory: string }>;

/**
 * Copies a template's sources and gives them the service's name. Throws {@link NoScaffoldError} for templates that only
 * name an image, {@link ScaffoldExistsError} rather than overwrite anything.
 */
export async function scaffoldService(
  catalog: Catalog,
  request: ScaffoldRequest,
): Promise<Scaffold> {
  const template = findTemplate(catalog, request.template);
  if (template.service["build"] === undefined) throw new NoScaffoldError(template.id);
  const folder = folderOf(request.name);
  const directory = join(request.directory, folder);
  if ((await readdir(directory).catch(() => [])).length > 0) throw new ScaffoldExistsError(folder);
  const files = await listSources(template.directory);
  for (const file of files) await copySource({ template, name: request.name }, file, directory);
  return { directory, files, service: scaffoldedService(template, request.name) };
}

/** The template's service built from its copy, which it gives its name; its models are the program's own until their owner renames them. */
export function scaffoldedService(template: Template, name: string): ServiceKeys {
  const isNamed = template.options.some((option) => option.name === "SERVICE_NAME");
  return {
    ...template.service,
    build: `./${folderOf(name)}`,
    ...(isNamed ? { environment: { SERVICE_NAME: name } } : {}),
  };
}

function folderOf(name: string): string {
  return posix.join("services", name);
}

/** Every file but the definition and what was installed or built. */
async function listSources(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files
    .map((file) => file.slice(directory.length + 1))
    .filter(
      (file) =>
        file !== "service.yaml" && !/(?:^|[/\\])(?:node_modules|dist|\.git)[/\\]/.test(file),
    )
    .toSorted();
}

/** Package files get the service's name; every other file is copied as it is. */
async function copySource(
  { template, name }: Readonly<{ template: Template; name: string }>,
  file: string,
  directory: string,
): Promise<void> {
  const [from, to] = [join(template.directory, file), join(directory, file)];
  await mkdir(dirname(to), { recursive: true });
  if (file !== "package.json") return copyFile(from, to);
  const text = await readFile(from, "utf8");
  await writeFile(
    to,
    text.replace(/("name"\s*:\s*)"[^"]*"/, (_, key: string) => `${key}${JSON.stringify(name)}`),
    { flag: "wx" },
  );
}
