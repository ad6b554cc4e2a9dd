/** Files of the old gateway that are kept as they are. */
import { posix } from "node:path";
import type { FoundFiles } from "../inventory.ts";
import { readAgentSpecs } from "../read/agent-specs.ts";
import { readBackends } from "../read/backends-yaml.ts";
import { readToolsRegistry } from "../read/tools-registry.ts";
import { readVoiceIndex } from "../read/voice-index.ts";
import type { Found } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import { isDatabase } from "./databases.ts";
import { partOf, together, type Part } from "./part.ts";
import { gatewayApp, gatewayData, isLeftover, isWithin } from "./paths.ts";
import { readFile } from "./read-file.ts";
import { setting, type Settings } from "./settings.ts";

type Kept = Readonly<{ what: string; setting?: string; path: string }>;

/** What is kept, where a setting says where it lies, and where it lies without. */
const all: readonly Kept[] = [
  { what: "images", setting: "UI_IMAGE_DIR", path: `${gatewayData}/ui_images` },
  { what: "files", setting: "UI_FILE_DIR", path: `${gatewayData}/ui_files` },
  { what: "audio", setting: "UI_AUDIO_DIR", path: `${gatewayData}/ui_audio` },
  { what: "chats", setting: "UI_CHAT_DIR", path: `${gatewayData}/ui_chats` },
  { what: "voice-library", setting: "VOICE_LIBRARY_DIR", path: `${gatewayData}/voice_library` },
  { what: "request-log", setting: "REQUEST_LOG_PATH", path: `${gatewayData}/requests.jsonl` },
  { what: "tool-log", setting: "TOOLS_LOG_DIR", path: `${gatewayData}/tools` },
  { what: "agent-runs", setting: "AGENT_RUNS_LOG_DIR", path: `${gatewayData}/agent` },
  { what: "releases", path: `${gatewayData}/releases` },
  { what: "tools", path: "/var/lib/gateway/tools" },
  {
    what: "tools-registry",
    setting: "TOOLS_REGISTRY_PATH",
    path: `${gatewayApp}/tools_registry.json`,
  },
  { what: "agent-specs", setting: "AGENT_SPECS_PATH", path: `${gatewayApp}/agent_specs.json` },
];

/** Everything of the gateway that is kept; what else lies in its data folder is kept as `other`. */
export async function findKeptFiles(tree: SourceTree, settings: Settings): Promise<Part> {
  const places = all.map((kept) => placeOf(kept, settings));
  const parts: Part[] = [];
  for (const { what, path, refused } of places)
    parts.push(refused ? { notUnderstood: [refused] } : await filesAt(tree, what, path));
  for (const path of await findOthers(tree))
    if (!isTaken(path, places)) parts.push(await filesAt(tree, "other", path));
  return together([...parts, await validated(tree, places)]);
}

const besideDatabase = /-(?:wal|shm|journal)$/;

/** A database may be called anything: its log is in its backup, and would be worth nothing alone. */
async function findOthers(tree: SourceTree): Promise<readonly string[]> {
  const listed = (await tree.list(gatewayData)).map(({ path }) => path);
  const paths = listed.filter(
    (path) => !isDatabase(path.replace(besideDatabase, "")) && !isLeftover(path),
  );
  const owners = new Set(
    paths
      .filter((path) => besideDatabase.test(path))
      .map((path) => path.replace(besideDatabase, "")),
  );
  const databases = new Set<string>();
  for (const path of paths)
    if (owners.has(path) && (await tree.look(path, []))) databases.add(path);
  return paths.filter(
    (path) => !besideDatabase.test(path) || !databases.has(path.replace(besideDatabase, "")),
  );
}

/** What the files are that lie in a folder of settings of their own. */
const configNames: Readonly<Record<string, string>> = {
  "tools_registry.json": "tools-registry",
  "agent_specs.json": "agent-specs",
  "model_aliases.json": "model-aliases",
  "backends_config.yaml": "backends",
};

/** Everything in a folder of settings, kept; tools, agents and backends are looked at as the old gateway took them. */
export async function findConfigFiles(tree: SourceTree, folder: string): Promise<Part> {
  const parts: Part[] = [];
  for (const { path } of await tree.list(folder)) {
    const what = configNames[posix.basename(path)] ?? "other";
    if (!isLeftover(path)) parts.push(await filesAt(tree, what, path));
  }
  const at = (name: string): string => posix.join(folder, name);
  return together([
    ...parts,
    await findTools(tree, at("tools_registry.json")),
    partOf(await readFile(tree, at("agent_specs.json"), readAgentSpecs)),
    partOf(await readFile(tree, at("backends_config.yaml"), readBackends)),
  ]);
}

/** Files at a path, as one entry; nothing where there is nothing. */
export async function filesAt(tree: SourceTree, what: string, path: string): Promise<Part> {
  const entry = await tree.entry(path);
  if (!entry) return {};
  const { files, bytes } = await tree.measure(path);
  const found: FoundFiles = { what, host: tree.host, path, kind: entry.kind, files, bytes };
  return files === 0 ? {} : { files: [found] };
}

type Placed = Readonly<{
  what: string;
  path: string;
  refused?: Readonly<{ at: Found<string>["at"]; what: string; why: string }>;
}>;

/** A setting must name something of its own: the whole data folder would be copied with its live databases. */
function placeOf({ what, setting: name = "", path }: Kept, settings: Settings): Placed {
  const said = setting(settings, name);
  if (!said) return { what, path };
  const wanted = posix.normalize(said.value).replace(/(?<=.)\/$/, "");
  if (posix.isAbsolute(wanted) && !isWithin(gatewayData, wanted)) return { what, path: wanted };
  const why = "is no path of its own: nothing is taken from there.";
  return { what, path, refused: { at: said.at, what: name, why } };
}

function isTaken(path: string, places: readonly Placed[]): boolean {
  return places.some((place) => isWithin(path, place.path) || isWithin(place.path, path));
}

/** What of these files the old gateway could not use, or cannot be used elsewhere. */
async function validated(tree: SourceTree, places: readonly Placed[]): Promise<Part> {
  const pathOf = (what: string): string => places.find((place) => place.what === what)?.path ?? "";
  const agents = await readFile(tree, pathOf("agent-specs"), readAgentSpecs);
  const index = `${pathOf("voice-library")}/.voice_index.json`;
  const voices = await readFile(tree, index, readVoiceIndex);
  const tools = await findTools(tree, pathOf("tools-registry"));
  return together([tools, ...[agents, voices].map(partOf)]);
}

/** What of the tools the old gateway could not use, and which cannot be used elsewhere. */
async function findTools(tree: SourceTree, path: string): Promise<Part> {
  const tools = await readFile(tree, path, readToolsRegistry);
  const bound = (tools?.found ?? []).filter(({ hostPath }) => hostPath);
  return together([
    partOf(tools),
    {
      warnings: bound.map(({ name, at }) => ({
        value: `The tool ${name} names files of the old host: it cannot run in a container as it is.`,
        at,
      })),
    },
  ]);
}
