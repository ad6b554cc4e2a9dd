/** The machines of the old installation: what they are called, and what `hosts.yaml` says of them. */
import type { FoundHost } from "../inventory.ts";
import { type HintedHost, type HostsHint, readHosts } from "../read/hosts-yaml.ts";
import type { Found, Reading } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import { readMacNames } from "./mac-names.ts";
import { partOf, together, type Part } from "./part.ts";
import { readFile } from "./read-file.ts";

/** Folders in which ai-infra's scripts looked for the checkout, below each home. */
const below = ["ai", "src", "repos", "workspace", "work", "code", "Code", ""];

const preferences = "/Library/Preferences/SystemConfiguration/preferences.plist";

/** A host with what was found out about its name and its system. */
export type NamedHost = Readonly<{ tree: SourceTree; host: FoundHost }>;

/** What all `hosts.yaml` say together; the first that names a host counts. */
export type Hint = Readonly<{ hosts: readonly HintedHost[]; part: Part }>;

/** Reads every `hosts.yaml` of every checkout. */
export async function readHints(trees: readonly SourceTree[]): Promise<Hint> {
  const readings: Reading<HostsHint>[] = [];
  for (const tree of trees)
    for (const path of await checkoutsOf(tree)) {
      const hint = await readFile(tree, `${path}/hosts.yaml`, readHosts);
      if (hint) readings.push(hint);
    }
  const hosts = readings.flatMap(({ found }) => found.hosts);
  const first = hosts.filter(
    ({ name }, index) => hosts.findIndex((each) => each.name === name) === index,
  );
  return { hosts: first, part: together(readings.map(partOf)) };
}

async function checkoutsOf(tree: SourceTree): Promise<readonly string[]> {
  const homes = [...(await tree.list("/home")), ...(await tree.list("/Users"))]
    .filter(({ kind }) => kind === "folder")
    .map(({ path }) => path);
  const paths = [...homes, "/root", "/opt"].flatMap((home) =>
    below.map((folder) => `${home}/${folder === "" ? "" : `${folder}/`}ai-infra`),
  );
  const found: string[] = [];
  for (const path of paths) if ((await tree.entry(path))?.kind === "folder") found.push(path);
  return found;
}

/** The hosts; each keeps the name under which its tree is asked for, and gets every other that means it. */
export async function nameHosts(
  trees: readonly SourceTree[],
  { hosts }: Hint,
): Promise<readonly NamedHost[]> {
  const named: NamedHost[] = [];
  for (const tree of trees) {
    const own = [tree.host, ...(await namesOf(tree))];
    const hint = hosts.find(({ names }) =>
      names.some((name) => own.some((each) => isSame(each, name))),
    );
    const short = unique([...own, ...(hint?.names ?? [])]);
    const names = unique(
      short.flatMap((name) => [name, ...(name.includes(".") ? [] : [`${name}.local`])]),
    );
    const os = await systemOf(tree);
    named.push({
      tree,
      host: {
        name: tree.host,
        names,
        os: os === "unknown" ? (hint?.os ?? os) : os,
        live: tree.live,
        roles: hint?.roles ?? [],
      },
    });
  }
  return named;
}

async function namesOf(tree: SourceTree): Promise<readonly string[]> {
  const linux = await tree.read("/etc/hostname");
  const mac = await readFile(tree, preferences, readMacNames);
  const texts = [
    ...(linux.kind === "file" ? [linux.bytes.toString("utf8")] : []),
    ...(mac?.found ?? []),
  ];
  return texts
    .map((text) => text.trim())
    .filter((text) => /^[\w.-]{1,253}$/.test(text))
    .flatMap((name) => [name, name.split(".")[0] ?? name]);
}

async function systemOf(tree: SourceTree): Promise<FoundHost["os"]> {
  if (await tree.entry("/System/Library/CoreServices/SystemVersion.plist")) return "macos";
  if (await tree.entry("/Library/LaunchDaemons")) return "macos";
  for (const path of ["/etc/os-release", "/etc/systemd", "/usr/lib/systemd"])
    if (await tree.entry(path)) return "linux";
  return "unknown";
}

/** What `hosts.yaml` says that is not so. */
export function hintWarnings(
  { hosts }: Hint,
  named: readonly NamedHost[],
  present: readonly Readonly<{ name: string; host: string }>[],
): readonly Found<string>[] {
  return hosts.flatMap((hint) => {
    const host = named.find((each) =>
      each.host.names.some((name) => hint.names.includes(name)),
    )?.host;
    if (!host)
      return [
        {
          value: `hosts.yaml names ${hint.name}, which is not among the sources: give it with --host if it is still in use.`,
          at: hint.at,
        },
      ];
    const missing = hint.roles.filter(
      (role) => !present.some((each) => each.host === host.name && each.name === role),
    );
    return missing.map((role) => ({
      value: `hosts.yaml says that ${hint.name} runs ${role}, but nothing of it was found there.`,
      at: hint.at,
    }));
  });
}

function isSame(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
