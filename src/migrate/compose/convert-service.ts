/** Makes a service of a stack out of one of a Compose project. Pure. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { Variables } from "../../stack/interpolate.ts";
import { isRecord } from "../../stack/record.ts";
import { type ServiceSpec, serviceSchema } from "../../stack/schema/service.ts";
import { convertNetworks, convertSecrets } from "./connections.ts";
import { Draft, entriesAt } from "./draft.ts";
import { convertEnvironment, type SecretFile } from "./environment.ts";
import { applyKnown, known, type Known } from "./known.ts";
import type { Definition, Values } from "./layers.ts";
import { convertConfigs, convertMounts } from "./mounts.ts";
import type { Note } from "./note.ts";
import { convertPorts } from "./ports.ts";
import {
  convertCapabilities,
  convertDependencies,
  convertEnvFiles,
  convertHealthcheck,
  convertImage,
  convertLabels,
  convertRestart,
  convertSecurity,
} from "./process.ts";
import { refusals } from "./refusals.ts";
import { convertResources } from "./resources.ts";

/** What a service is converted with. */
export type Around = Readonly<{
  catalog: Catalog;
  variables: Variables;
  /** What each service of the project is called in the stack. */
  names: ReadonlyMap<string, string>;
  /** Those that another one waits for to be done. */
  jobs: ReadonlySet<string>;
  networks: ReadonlyMap<string, Values>;
  secrets: ReadonlyMap<string, Values>;
  configs: ReadonlyMap<string, Values>;
}>;

/** A service of the stack, and what became of the rest. */
export type ConvertedService = Readonly<{
  /** As Compose calls it, and as the stack does. */
  from: string;
  name: string;
  keys: Values;
  /** The template that it became, if any. */
  template?: string;
  secretFile?: SecretFile;
  /** Files of its secrets, by name. */
  secrets: ReadonlyMap<string, string>;
  notes: readonly Note[];
}>;

const asWritten = [
  "command",
  "entrypoint",
  "user",
  "working_dir",
  "read_only",
  "init",
  "shm_size",
  "mem_limit",
  "cpus",
  "pids_limit",
  "extra_hosts",
  "stop_grace_period",
  "profiles",
] as const;

const entryByEntry = ["tmpfs", "devices", "group_add"] as const;

const elsewhere = new Set<string>(
  (asWritten as readonly string[]).concat(
    entryByEntry,
    "image build environment env_file labels volumes configs ports expose pull_policy extends".split(
      " ",
    ),
    "depends_on healthcheck restart cap_add cap_drop security_opt networks network_mode".split(" "),
    "secrets deploy runtime gpus".split(" "),
  ),
);

/** Converts one service: every key is taken over, or noted. */
export function convertService(definition: Definition, around: Around): ConvertedService {
  const name = around.names.get(definition.name) ?? definition.name;
  const draft = new Draft(definition, around.variables, name);
  noteRefused(draft);
  convertPlain(draft);
  convertContents(draft, around);
  const found = knownOf(draft, around);
  convertRights(draft, around, { isKnown: found?.kind === "template" || isExported(draft) });
  const secretFile = convertEnvironment(draft, around.variables);
  const secrets = convertSecrets(draft, around.secrets);
  applyExported(draft);
  applyKnown(draft, found);
  noteNothing(draft);
  const { template } = draft.keys;
  return {
    from: definition.name,
    name,
    keys: ordered(draft.keys),
    ...(typeof template === "string" && { template }),
    ...(secretFile && { secretFile }),
    secrets,
    notes: draft.notes,
  };
}

function convertPlain(draft: Draft): void {
  for (const key of asWritten) if (isThere(draft.raw[key])) draft.keep(key);
  for (const key of entryByEntry)
    draft.keepEach(key, entriesAt(draft.raw[key], draft.seen[key], [key]));
  convertImage(draft);
}

/** Whether Nexus wrote it: then nothing has to be guessed. */
function isExported(draft: Draft): boolean {
  return isRecord(draft.raw["x-nexus"]);
}

function knownOf(draft: Draft, { catalog }: Around): Known {
  return isExported(draft) ? undefined : known(draft, catalog);
}

/** Whether there is something to run. */
export function runs(keys: Values): boolean {
  return ["image", "build", "template"].some((key) => keys[key] !== undefined);
}

function noteNothing(draft: Draft): void {
  const message =
    "has neither an image nor a folder to build that could be taken over: it is not in the stack";
  if (!runs(draft.keys)) draft.note("decide", [], message);
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Keys that hold maps or lists, and nothing else. */
const structured = new Set([
  "environment",
  "labels",
  "depends_on",
  "networks",
  "healthcheck",
  "deploy",
]);

function noteRefused(draft: Draft): void {
  for (const [key, value] of Object.entries(draft.raw)) {
    if (structured.has(key) && isThere(value) && typeof value !== "object")
      draft.note("left-out", [key], "is neither a map nor a list, and was not understood");
    if (elsewhere.has(key) || key.startsWith("x-")) continue;
    if (key === "privileged" && draft.seen[key] === false) continue;
    draft.note("left-out", [key], refusals[key] ?? "Nexus does not know this key");
  }
}

function convertContents(draft: Draft, around: Around): void {
  if (isThere(draft.raw["pull_policy"])) draft.keep("pull_policy");
  convertEnvFiles(draft);
  convertLabels(draft);
  convertMounts(draft);
  convertConfigs(draft, around.configs);
  convertPorts(draft);
  convertDependencies(draft, around.names);
  convertHealthcheck(draft);
}

function convertRights(
  draft: Draft,
  around: Around,
  { isKnown }: Readonly<{ isKnown: boolean }>,
): void {
  convertRestart(draft, around.jobs.has(draft.name));
  convertCapabilities(draft, isKnown);
  convertSecurity(draft);
  convertNetworks(draft, around.networks);
  convertResources(draft);
}

/** What Nexus wrote beside the keys of Compose wins: it is the original. */
function applyExported(draft: Draft): void {
  const exported = draft.raw["x-nexus"];
  if (!isRecord(exported)) return;
  for (const [key, value] of Object.entries(exported)) {
    if (isServiceKey(key)) draft.keep(key, ["x-nexus", key], value, value);
    else draft.note("left-out", ["x-nexus", key], "Nexus does not know this key");
  }
}

function isServiceKey(key: string): key is keyof ServiceSpec {
  return Object.hasOwn(serviceSchema.shape, key);
}

const first = [
  "template",
  "external",
  "image",
  "build",
  "command",
  "entrypoint",
  "port",
  "provides",
  "models",
];

/** What a service is comes first, then the rest as it came. */
function ordered(keys: Values): Values {
  const rank = (key: string): number => (first.includes(key) ? first.indexOf(key) : first.length);
  return Object.fromEntries(
    Object.entries(keys).toSorted(([left], [right]) => rank(left) - rank(right)),
  );
}
