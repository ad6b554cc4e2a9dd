/** The ready-made services that come with Nexus. */
import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { InvalidTemplateError, UnknownTemplateError } from "./errors.ts";
import { templatesFor } from "./choose-template.ts";
import { bareWord, type Job, jobOf } from "./jobs.ts";
import { capabilitiesOf, jobs, type Template, templateSchema } from "./template.ts";

/** Every template, in the order of their ids. */
export type Catalog = readonly Template[];

/** The folder of the package that holds this program, found by its package.json: from `src/` and from a bundle alike. */
export async function packageRoot(from = dirname(fileURLToPath(import.meta.url))): Promise<string> {
  const isRoot = await access(join(from, "package.json")).then(
    () => true,
    () => false,
  );
  const parent = dirname(from);
  return isRoot || parent === from ? from : packageRoot(parent);
}

/**
 * Reads `<directory>/*\/service.yaml`; the package's own templates by default. With `ids` only those are read, and what
 * is not there is left out. Throws {@link InvalidTemplateError}.
 */
export async function readCatalog(directory?: string, ids?: readonly string[]): Promise<Catalog> {
  const root = directory ?? (await ownTemplates());
  const names = (await templateIds(root)).filter((id) => ids?.includes(id) ?? true);
  const templates = await Promise.all(names.map((name) => readTemplate(join(root, name))));
  return templates
    .filter((template) => template !== undefined)
    .toSorted((left, right) => left.id.localeCompare(right.id));
}

/** The ids of all templates, without reading any. */
export async function templateIds(directory?: string): Promise<readonly string[]> {
  const entries = await readdir(directory ?? (await ownTemplates()), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function ownTemplates(): Promise<string> {
  return join(await packageRoot(), "templates");
}

async function readTemplate(directory: string): Promise<Template | undefined> {
  const file = join(directory, "service.yaml");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const read = templateSchema.safeParse(parseYaml(file, text));
  if (!read.success) throw new InvalidTemplateError(file, z.prettifyError(read.error));
  return { ...read.data, directory, file };
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text, { merge: true });
  } catch (error) {
    if (error instanceof YAMLParseError) throw new InvalidTemplateError(file, error.message);
    throw error;
  }
}

/** What a word of `nexus add service` means: one template, or a job with those who do it, or those that are known by it. */
export type Meaning = Readonly<{ templates: readonly [Template, ...Template[]]; job?: Job }>;

/** The template of that id; else those who do the job, best first; else those known by the word. Throws {@link UnknownTemplateError}. */
export function meaningOf(catalog: Catalog, word: string): Meaning {
  const bare = bareWord(word);
  const isNamed = ({ id }: Template): boolean => bareWord(id) === bare;
  const named = catalog.find(({ id }) => id === word) ?? catalog.find(isNamed);
  if (named) return { templates: [named] };
  const job = jobOf(word);
  const [best, ...next] = job === undefined ? [] : templatesFor(catalog, job);
  if (job !== undefined && best) return { templates: [best, ...next], job };
  const [first, ...others] = catalog.filter((template) => knownBy(template).includes(bare));
  if (first) return { templates: [first, ...others] };
  throw new UnknownTemplateError(word, nearIds(catalog, word.toLowerCase()));
}

function knownBy(template: Template): readonly string[] {
  return [...capabilitiesOf(template), ...template.words].map(bareWord);
}

/** The template of that id, else the first that the word means. Throws {@link UnknownTemplateError}. */
export function findTemplate(catalog: Catalog, word: string): Template {
  return meaningOf(catalog, word).templates[0];
}

/** Ids that share most of their letters with the word, the nearest first. */
function nearIds(catalog: Catalog, word: string): readonly string[] {
  const ranked = [...catalog.map(({ id }) => id), ...jobs]
    .map((id) => ({ id, likeness: likeness(id, word) }))
    .filter((candidate) => candidate.likeness >= 0.4)
    .toSorted((left, right) => right.likeness - left.likeness);
  return ranked.slice(0, 3).map(({ id }) => id);
}

/** Dice's coefficient over pairs of neighbouring letters: 0 for nothing in common, 1 for the same. */
function likeness(left: string, right: string): number {
  const [some, others] = [pairs(left), pairs(right)];
  const shared = some.filter((pair) => others.includes(pair)).length;
  return (2 * shared) / Math.max(1, some.length + others.length);
}

function pairs(word: string): readonly string[] {
  return Array.from({ length: Math.max(0, word.length - 1) }, (_, at) => word.slice(at, at + 2));
}
