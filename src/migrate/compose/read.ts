/** Reads a Compose project: its files, what they include and extend. Pure over {@link TextOf}; never throws. */
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Variables } from "../../stack/interpolate.ts";
import type { Path } from "../../stack/problem.ts";
import { isRecord } from "../../stack/record.ts";
import { parseSource, type Source, syntaxProblems } from "../../stack/source.ts";
import { filled } from "./fill.ts";
import { type Definition, defined, type Layer, type Values } from "./layers.ts";
import { isMergeTag, mergeTagsOf } from "./merge-tags.ts";
import { type Note, noteAt, type NoteKind } from "./note.ts";
import { rebased } from "./rebase.ts";
import { readVariables } from "./variables.ts";

/** The text of a file by its absolute path; undefined when there is none or it cannot be read. */
export type TextOf = (path: string) => string | undefined;

const sections = ["services", "volumes", "networks", "secrets", "configs"] as const;

type Section = (typeof sections)[number];

/** A Compose project as far as it was understood, and what was not. */
export type ComposeProject = Readonly<
  {
    name: string;
    directory: string;
    /** As messages name them, in the order in which they were read. */
    files: readonly string[];
    /** What Nexus itself wrote there when it exported a stack. */
    exported: Values;
    variables: Variables;
    notes: readonly Note[];
  } & Record<Section, readonly Definition[]>
>;

/** Where a project lies: the files that count, the one that wins last, and the environment. */
export type ComposeSource = Readonly<{
  files: readonly string[];
  textOf: TextOf;
  environment: Readonly<Record<string, string | undefined>>;
}>;

/** Reads a project. */
export function readCompose({ files, textOf, environment }: ComposeSource): ComposeProject {
  const directory = dirname(files[0] ?? ".");
  const variables = readVariables(textOf(join(directory, ".env")) ?? "", environment);
  const reader = new Reader(directory, textOf, variables);
  for (const file of files) reader.read(file);
  return reader.project();
}

const understood = new Set<string>([...sections, "name", "version", "include"]);

/** A service in a file. */
type Link = Readonly<{ source: Source; name: string }>;

class Reader {
  readonly #directory: string;
  readonly #textOf: TextOf;
  readonly #variables: Variables;
  readonly #notes: Note[] = [];
  readonly #tops = new Map<string, Readonly<{ source: Source; value: Values }> | undefined>();
  readonly #found = new Map<Section, Map<string, Layer[]>>(
    sections.map((section) => [section, new Map()]),
  );
  #name: string | undefined;
  #exported: Values = {};

  constructor(directory: string, textOf: TextOf, variables: Variables) {
    this.#directory = directory;
    this.#textOf = textOf;
    this.#variables = variables;
  }

  project(): ComposeProject {
    const all = (section: Section): readonly Definition[] =>
      [...(this.#found.get(section) ?? [])].map(([name, layers]) => defined(name, layers));
    return {
      name: this.#projectName(),
      directory: this.#directory,
      files: [...this.#tops.keys()].map((file) => this.#display(file)),
      exported: this.#exported,
      variables: this.#variables,
      notes: this.#notes,
      services: all("services"),
      volumes: all("volumes"),
      networks: all("networks"),
      secrets: all("secrets"),
      configs: all("configs"),
    };
  }

  /** Takes everything that a file defines, after what it includes. */
  read(file: string): void {
    if (this.#tops.has(file)) return;
    const top = this.#open(file);
    if (!top) return;
    const { source, value } = top;
    for (const [index, entry] of list(value["include"]).entries())
      this.#include(source, index, entry);
    const name = filled(value["name"], this.#variables);
    if (typeof name === "string" && name !== "") this.#name = name;
    for (const [key, content] of Object.entries(value)) this.#top(source, key, content);
  }

  #top(source: Source, key: string, content: unknown): void {
    const section = sections.find((known) => known === key);
    if (section !== undefined) this.#section(source, section, content);
    else if (key === "x-nexus" && isRecord(content)) this.#exported = content;
    else if (!understood.has(key) && !key.startsWith("x-"))
      this.#note(source, [key], "left-out", "Nexus does not know this key");
  }

  #section(source: Source, section: Section, content: unknown): void {
    if (content === null || content === undefined) return;
    if (!isRecord(content)) {
      this.#note(source, [section], "left-out", "is no map of names, and was not understood");
      return;
    }
    for (const [name, value] of Object.entries(content))
      this.#define({ source, name }, section, value);
  }

  /** Takes one thing; a tag of its own takes away what was said of it before. */
  #define({ source, name }: Link, section: Section, value: unknown): void {
    const known = this.#found.get(section);
    const tag = mergeTagsOf(source)([section, name]);
    if (tag) known?.delete(name);
    if (tag === "reset") return;
    const layers =
      section === "services"
        ? this.#serviceLayers({ source, name }, [])
        : [this.#layer(source, [section, name], value)];
    known?.set(name, [...(known.get(name) ?? []), ...layers]);
  }

  /** What a service says itself, over what it extends; `chain` holds those that led here. */
  #serviceLayers({ source, name }: Link, chain: readonly string[]): readonly Layer[] {
    const at = ["services", name];
    const layer = this.#layer(source, at, this.#servicesOf(source)[name]);
    const base = filled(layer.value["extends"], this.#variables);
    if (base === undefined || base === null) return [layer];
    const link = this.#linkOf(source, base);
    const step = link && `${link.source.name} ${link.name}`;
    if (!step || chain.includes(step)) {
      const why = link ? "goes round in a circle" : "leads to nothing";
      this.#note(source, [...at, "extends"], "left-out", `what it extends ${why}`);
      return [layer];
    }
    return [...this.#serviceLayers(link, [...chain, step]), layer];
  }

  /** The service that `extends` leads to, if there is one. */
  #linkOf(from: Source, base: unknown): Link | undefined {
    const { file, service } = isRecord(base) ? base : { file: undefined, service: base };
    const other = typeof file === "string" ? this.#open(resolve(from.directory, file)) : undefined;
    const source = file === undefined ? from : other?.source;
    if (!source || typeof service !== "string") return undefined;
    return Object.hasOwn(this.#servicesOf(source), service) ? { source, name: service } : undefined;
  }

  #servicesOf(source: Source): Values {
    const services = this.#tops.get(pathOf(source))?.value["services"];
    return isRecord(services) ? services : {};
  }

  #layer(source: Source, at: Path, value: unknown): Layer {
    if (!isRecord(value) && value !== null && value !== undefined)
      this.#note(source, at, "left-out", "is no map, and was not understood");
    const folder = relative(this.#directory, source.directory);
    const content = isRecord(value) ? value : {};
    const tags = mergeTagsOf(source);
    return {
      source,
      at,
      value: folder === "" ? content : rebased(content, folder, this.#variables),
      tags: (path) => tags([...at, ...path]),
    };
  }

  #include(source: Source, index: number, entry: unknown): void {
    const at = ["include", index];
    const given = isRecord(entry) ? entry : { path: entry };
    for (const key of Object.keys(given).filter((name) => name !== "path"))
      this.#note(source, [...at, key], "left-out", "only the files of an `include` are read");
    for (const path of list(filled(given["path"], this.#variables))) {
      const file = resolve(source.directory, String(path));
      if (this.#textOf(file) === undefined)
        this.#note(source, at, "left-out", "there is no such file, or it cannot be read");
      this.read(file);
    }
  }

  /** A file's content, once; undefined when it cannot be understood at all. */
  #open(file: string): Readonly<{ source: Source; value: Values }> | undefined {
    if (this.#tops.has(file)) return this.#tops.get(file);
    const text = this.#textOf(file);
    const top = text === undefined ? undefined : this.#parse(file, text);
    if (top) this.#tops.set(file, top);
    return top;
  }

  #parse(file: string, text: string): Readonly<{ source: Source; value: Values }> | undefined {
    const name = this.#display(file);
    try {
      const source = parseSource({ name, directory: dirname(file), text });
      const problems = syntaxProblems(source).filter(({ message }) => !isMergeTag(message));
      for (const { line, path, message } of problems)
        this.#notes.push({ kind: "left-out", file: name, line, path, message });
      const value: unknown = source.document.toJS({ maxAliasCount: 1000 });
      return { source, value: isRecord(value) ? value : {} };
    } catch {
      const message = "is nested or aliased beyond what can be read";
      this.#notes.push({ kind: "left-out", file: name, line: 1, path: "", message });
      return undefined;
    }
  }

  #note(source: Source, at: Path, kind: NoteKind, message: string): void {
    this.#notes.push(noteAt({ source, at }, kind, message));
  }

  #display(file: string): string {
    return relative(this.#directory, file) || basename(file);
  }

  /** As Compose finds it: said, told by the environment, or the folder's (https://docs.docker.com/compose/how-tos/project-name/). */
  #projectName(): string {
    const said = this.#variables.get("COMPOSE_PROJECT_NAME")?.value ?? this.#name;
    const name = said ?? basename(resolve(this.#directory));
    return name
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, "")
      .replace(/^[_-]+/, "");
  }
}

function pathOf(source: Source): string {
  return join(source.directory, basename(source.name));
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
