/** What starts programs on a host: launchd's jobs and systemd's units of what ai-infra installs. */
import { type LaunchdJob, readPlist } from "../read/plist.ts";
import { readUnit } from "../read/systemd-unit.ts";
import type { NotUnderstood, Place, Reading } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import type { Job } from "./job.ts";
import { knownServices } from "./known-services.ts";
import { isLeftover } from "./paths.ts";
import { readFile } from "./read-file.ts";

const daemons = "/Library/LaunchDaemons";
/** In the order of systemd: what the administrator wrote wins over what a package brought. */
const unitFolders = [
  "/etc/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];
const labels = new Set([
  "com.ai.gateway",
  "com.ai.gateway.redirect",
  ...knownServices.map(({ label }) => label),
]);
const units = ["gateway", ...knownServices.map(({ unit }) => unit)].map(
  (unit) => `${unit}.service`,
);

/** Every job and unit of a program that ai-infra knows; what others installed is none of its business. */
export async function readJobs(tree: SourceTree): Promise<Reading<readonly Job[]>> {
  const found: Job[] = [];
  const notUnderstood: NotUnderstood[] = [];
  const read = [...(await readDaemons(tree)), ...(await readUnits(tree))];
  for (const reading of read) {
    notUnderstood.push(...reading.notUnderstood);
    if (reading.found) found.push(reading.found);
  }
  return { found, notUnderstood };
}

type Read = Reading<Job | undefined>;

async function readDaemons(tree: SourceTree): Promise<readonly Read[]> {
  const read: Read[] = [];
  for (const { path, kind } of await tree.list(daemons)) {
    if (kind !== "file" || !path.endsWith(".plist") || isLeftover(path)) continue;
    const reading = await readFile(tree, path, readPlist);
    if (reading && labels.has(reading.found?.label ?? labelOf(path)))
      read.push({ ...reading, found: reading.found && launched(reading.found) });
  }
  return read;
}

function launched({ label, at, argv, environment }: LaunchdJob): Job {
  return { unit: { manager: "launchd", name: label }, at, argv, environment };
}

/** A file that cannot be read as a job is told when its name says that it should be one of these. */
function labelOf(path: string): string {
  return path.slice(daemons.length + 1, -".plist".length);
}

async function readUnits(tree: SourceTree): Promise<readonly Read[]> {
  const read: Read[] = [];
  for (const name of units) {
    const files = await filesOfUnit(tree, name);
    if (files.length === 0) continue;
    const { found, notUnderstood } = readUnit(files);
    const job = found && {
      unit: { manager: "systemd", name } as const,
      at: found.at,
      argv: found.argv,
      environment: found.environment,
      files: found.environmentFiles.map(({ value }) => value.path),
    };
    read.push({ found: job, notUnderstood });
  }
  return read;
}

type UnitFile = Readonly<{ bytes: Buffer; at: Place }>;

/** The unit, then its drop-ins by name; drop-ins without a unit are nothing. */
async function filesOfUnit(tree: SourceTree, name: string): Promise<readonly UnitFile[]> {
  const bases: UnitFile[] = [];
  for (const folder of unitFolders)
    if (bases.length === 0) bases.push(...(await fileAt(tree, `${folder}/${name}`)));
  if (bases.length === 0) return [];
  const dropIns = new Map<string, string>();
  for (const folder of unitFolders.toReversed())
    for (const { path, kind } of await tree.list(`${folder}/${name}.d`))
      if (kind === "file" && path.endsWith(".conf"))
        dropIns.set(path.slice(path.lastIndexOf("/")), path);
  const added: UnitFile[] = [];
  for (const key of [...dropIns.keys()].toSorted())
    added.push(...(await fileAt(tree, dropIns.get(key) ?? "")));
  return [...bases, ...added];
}

async function fileAt(tree: SourceTree, path: string): Promise<readonly UnitFile[]> {
  const file = await tree.read(path);
  return file.kind === "file" ? [{ bytes: file.bytes, at: { host: tree.host, file: path } }] : [];
}
