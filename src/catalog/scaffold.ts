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

/** What was installed or built, and what Python leaves behind. */
const derived = /(?:^|[/\\])(?:node_modules|dist|\.git|\.venv|__pycache__|\.pytest_cache)[/\\]/;

/** Every file but the definition and what is derived from others. */
async function listSources(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files
    .map((file) => file.slice(directory.length + 1))
    .filter((file) => file !== "service.yaml" && !derived.test(file))
    .toSorted();
}

type Naming = Readonly<{ template: Template; name: string }>;

/** How the service's name gets into a file; every other file is copied as it is. */
const renamings: Readonly<Record<string, (text: string, naming: Naming) => string>> = {
  "package.json": (text, { name }) =>
    text.replace(/("name"\s*:\s*)"[^"]*"/, (_, key: string) => `${key}${JSON.stringify(name)}`),
  "pyproject.toml": (text, { name }) =>
    text.replace(/^(name\s*=\s*)"[^"]*"/m, (_, key: string) => `${key}${JSON.stringify(name)}`),
  "README.md": (text, { template, name }) =>
    text
      .replace(/^# .*/, () => `# ${name}`)
      .replaceAll(`nexus verify ${template.id}`, () => `nexus verify ${name}`),
};

async function copySource(naming: Naming, file: string, directory: string): Promise<void> {
  const [from, to] = [join(naming.template.directory, file), join(directory, file)];
  await mkdir(dirname(to), { recursive: true });
  const rename = renamings[file];
  if (rename === undefined) return copyFile(from, to);
  await writeFile(to, rename(await readFile(from, "utf8"), naming), { flag: "wx" });
}
