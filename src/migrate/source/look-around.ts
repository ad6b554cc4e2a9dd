/** What could be migrated from this machine: looks in the usual places, quickly, and changes nothing. */
import { posix } from "node:path";
import type { ForeignContainer } from "../../engine/engine.ts";
import type { SourceKind } from "../inventory.ts";
import { isAncestor } from "../nexus-compose/on-engine.ts";
import type { SourceTree } from "./tree.ts";

/** Something that could be migrated, and the command that shows what would become of it. */
export type Proposal = Readonly<{
  kind: SourceKind;
  /** Path, or names of containers. */
  where: string;
  /** A clause: what was seen there. */
  why: string;
  command: string;
  /** What stands behind `nexus migrate` in it; absent where something has to be filled in first. */
  words?: readonly string[];
}>;

/** What was seen; absent is what was not there. */
export type Seen = Readonly<{
  /** Runtime folders and settings of ai-infra's services. */
  installed: readonly string[];
  /** Its units of systemd and jobs of launchd. */
  units: readonly string[];
  /** Folders with hosts.yaml and the services' scripts: templates only. */
  checkouts: readonly string[];
  projects: readonly Readonly<{ folder: string; ancestor: boolean }>[];
  /** Running containers of the ancestor, by name. */
  containers: readonly string[];
  harbor?: string;
}>;

/** Who looks, and from where. */
export type Lookout = Readonly<{
  /** This machine. */
  tree: SourceTree;
  /** Absolute. */
  home: string;
  folder: string;
  /** What the engine has beside stacks; empty where none was asked. */
  containers: readonly ForeignContainer[];
}>;

const settings = ["/var/lib/gateway/app/.env", "/var/lib/gateway/data", "/etc/ollama/ollama.env"];
const services =
  "heartmula invokeai lighton-ocr luxtts mlx personaplex pocket-tts qwen3-tts sdxl-turbo skyreels-v2 telegram-bot followyourcanvas vibevoice-asr nexa".split(
    " ",
  );
const units = ["ollama.service", ...services.map((name) => `${name}.service`)];
const jobs = [
  "com.ai.gateway",
  "com.ollama.server",
  "com.mlx.openai.server",
  "com.nexa.image.server",
];
const workFolders = ["ai", "src", "repos", "workspace", "work", "code", "Code"];
const composeFile = /^(?:docker-)?compose(?:\.[a-z0-9-]+)?\.ya?ml$/;
const ancestorFile = /^docker-compose\.gateway\.yml$/;

/** Looks in the places that ai-infra, its successor, Compose and Harbor use; best first. */
export async function lookAround(lookout: Lookout): Promise<readonly Proposal[]> {
  const { tree, home, folder, containers } = lookout;
  const places = workFolders.map((name) => posix.join(home, name));
  const runtime = services.map((name) => `/var/lib/${name}`);
  const harbor = posix.join(home, ".harbor");
  const [installed, unitFiles, checkouts, [harborFound]] = await Promise.all([
    present(tree, [...settings, ...runtime]),
    present(tree, [...units.map(unitFile), ...jobs.map(jobFile)]),
    present(
      tree,
      [home, ...places].map((place) => posix.join(place, "ai-infra/hosts.yaml")),
    ),
    present(tree, [posix.join(harbor, ".env")]),
  ]);
  const folders = [folder, home, ...[home, ...places].map((place) => posix.join(place, "nexus"))];
  return proposalsFor({
    installed,
    units: unitFiles.map((path) => posix.basename(path, ".plist")),
    checkouts: checkouts.map((path) => posix.dirname(path)),
    projects: await projectsIn(tree, [...new Set(folders)]),
    containers: containers
      .filter((each) => each.running && isAncestor(each))
      .map(({ name }) => name),
    ...(harborFound !== undefined && { harbor }),
  });
}

/** Where {@link lookAround} looks, for those who have it elsewhere. */
export function placesLookedAt({
  home,
  folder,
}: Pick<Lookout, "home" | "folder">): readonly string[] {
  return [
    "/var/lib, /etc/systemd/system and /Library/LaunchDaemons (services of an ai-infra)",
    `${[...new Set([folder, home])].join(", ")}, and \`nexus\` in ${home} and its ${workFolders.slice(0, -1).join(", ")} (Compose files)`,
    `${posix.join(home, ".harbor")} (Harbor)`,
    "the containers of the engine",
  ];
}

const unitFile = (name: string) => `/etc/systemd/system/${name}`;
const jobFile = (name: string) => `/Library/LaunchDaemons/${name}.plist`;

async function present(tree: SourceTree, paths: readonly string[]): Promise<readonly string[]> {
  const entries = await Promise.all(paths.map(async (path) => tree.entry(path)));
  return entries.flatMap((entry) => entry?.path ?? []);
}

async function projectsIn(tree: SourceTree, folders: readonly string[]): Promise<Seen["projects"]> {
  const looked = folders.map(async (folder) => {
    const names = (await tree.list(folder)).map(({ path }) => posix.basename(path));
    const files = names.filter((name) => composeFile.test(name));
    return files.length === 0
      ? []
      : [{ folder, ancestor: files.some((name) => ancestorFile.test(name)) }];
  });
  return (await Promise.all(looked)).flat();
}

/** What to propose: an installation that runs before a project, a project before a mere checkout. Pure. */
export function proposalsFor(seen: Seen): readonly Proposal[] {
  return [
    ...fromInstallation(seen),
    ...fromContainers(seen),
    ...seen.projects.map(fromProject),
    ...fromHarbor(seen.harbor),
    ...(seen.installed.length + seen.units.length > 0 ? [] : seen.checkouts.map(fromCheckout)),
  ];
}

function fromInstallation({ installed, units: found }: Seen): readonly Proposal[] {
  const evidence = [...installed, ...found];
  if (evidence.length === 0) return [];
  const more = evidence.length > 3 ? ` and ${evidence.length - 3} more` : "";
  const why = `ai-infra's services are installed here: ${evidence.slice(0, 3).join(", ")}${more}`;
  return [{ kind: "ai-infra", where: "/", why, ...dryRun(["--from", "ai-infra"]) }];
}

function fromContainers({ containers, projects }: Seen): readonly Proposal[] {
  if (containers.length === 0 || projects.some(({ ancestor }) => ancestor)) return [];
  const where = containers.join(", ");
  const why = "containers of Nexus's ancestor run here, and say where its Compose files are";
  return [{ kind: "nexus-compose", where, why, ...dryRun(["--from", "nexus-compose"]) }];
}

function fromProject({ folder, ancestor }: Seen["projects"][number]): Proposal {
  const kind = ancestor ? "nexus-compose" : "compose";
  const why = ancestor
    ? "it holds the Compose files of Nexus's ancestor"
    : "it holds a Compose file";
  return { kind, where: folder, why, ...dryRun(["--from", kind, "--source", folder]) };
}

function fromHarbor(harbor: string | undefined): readonly Proposal[] {
  if (harbor === undefined) return [];
  const how = dryRun(["--from", "harbor", "--source", harbor]);
  return [{ kind: "harbor", where: harbor, why: "Harbor keeps its settings there", ...how }];
}

function fromCheckout(checkout: string): Proposal {
  const why =
    "it describes hosts of ai-infra, whose settings are on those hosts: name each of them";
  const command = "nexus migrate --from ai-infra --host NAME=ssh://USER@HOST --dry-run";
  return { kind: "ai-infra", where: checkout, why, command };
}

function dryRun(flags: readonly string[]): Required<Pick<Proposal, "command" | "words">> {
  const words = [...flags, "--dry-run"];
  return { command: ["nexus migrate", ...words.map(word)].join(" "), words };
}

/** As a shell takes it. */
const word = (path: string) =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
