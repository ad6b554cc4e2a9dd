/** A folder of files that is gone when the test ends. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { InvalidStackError } from "../../src/stack/errors.ts";
import { type LoadedStack, type LoadOptions, loadStack } from "../../src/stack/load.ts";
import type { ContainerService } from "../../src/stack/stack.ts";

export type Folder = Readonly<{ path: string; [Symbol.asyncDispose]: () => Promise<void> }>;

/** Writes files by relative path; `mode` applies to all of them. */
export async function folderOf(
  files: Readonly<Record<string, string>>,
  mode = 0o644,
): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "nexus-stack-"));
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    await chmod(file, mode);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Loads `nexus.yaml` out of these files. */
export async function load(
  files: Readonly<Record<string, string>> | string,
  options: Partial<LoadOptions> = {},
): Promise<LoadedStack> {
  await using folder = await folderOf(typeof files === "string" ? { "nexus.yaml": files } : files);
  return await loadStack({ cwd: folder.path, environment: {}, ...options });
}

/** The messages of everything that is wrong, as `place path: message`. */
export async function problemsOf(
  files: Readonly<Record<string, string>> | string,
  options: Partial<LoadOptions> = {},
): Promise<readonly string[]> {
  try {
    await load(files, options);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidStackError)) throw error;
    return error.details.problems.map(
      ({ file, line, column, path, message, suggestion }) =>
        `${file}:${line}:${column} ${path}: ${message}${suggestion === undefined ? "" : ` → ${suggestion}`}`,
    );
  }
}

/** The one container service of a stack that is written with these keys. */
export async function loadService(
  keys: string,
  options: Partial<LoadOptions> = {},
): Promise<ContainerService> {
  const { stack } = await load(stackWith(keys), options);
  const service = stack.services[0];
  if (service?.kind !== "container") throw new Error("not a container");
  return service;
}

/** A stack with the service `a`, keys indented as they come. */
export function stackWith(keys: string): string {
  const lines = keys.trim().split("\n");
  return `name: t\nservices:\n  a:\n    image: x:1\n${lines.map((line) => `    ${line}`).join("\n")}\n`;
}
