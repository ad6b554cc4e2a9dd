/** From flags to trees: the live root, a copied folder, an archive, hosts over ssh; several together are one installation. */
import { stat } from "node:fs/promises";
import { archivedTrees } from "./archive.ts";
import { HostFlagError, SourceNotFoundError } from "./errors.ts";
import { copiedTrees, liveTree } from "./local.ts";
import { sshTree } from "./ssh.ts";
import type { SshAddress } from "./ssh-session.ts";
import type { SourceTree } from "./tree.ts";

/** What was asked for on the command line. */
export type SourceFlags = Readonly<{
  /** Folder or archive. */
  source?: string | undefined;
  /** `name=ssh://user@host[:port]` each, or `name=local` for this very machine. */
  hosts?: readonly string[] | undefined;
}>;

/** Opens all of them; with neither flag, this very machine. Throws the errors of this folder, and then leaves none open. */
export async function openSources({
  source,
  hosts = [],
}: SourceFlags): Promise<readonly SourceTree[]> {
  const addresses = hosts.map(parseHost);
  const twice = addresses.find(
    ({ name }, index) => addresses.findIndex((one) => one.name === name) !== index,
  );
  if (twice) throw new HostFlagError(twice.name, "two hosts have that name");
  if (source === undefined && addresses.length === 0) return [liveTree()];
  const trees: SourceTree[] = [];
  try {
    if (source !== undefined) trees.push(...(await treesOf(source)));
    for (const { name, address } of addresses)
      trees.push(address === "local" ? liveTree(name) : await sshTree(name, address));
    return trees;
  } catch (error) {
    for (const tree of trees) await tree[Symbol.asyncDispose]();
    throw error;
  }
}

/** Where that is, in words: `this machine`, `ai1 over ssh and ai2 over ssh`. */
export function wordsOf({ source, hosts = [] }: SourceFlags): string {
  const places = [
    ...(source === undefined ? [] : [source]),
    ...hosts.map(
      (flag) => `${flag.replace(/=.*/s, "")}${flag.endsWith("=local") ? "" : " over ssh"}`,
    ),
  ];
  return places.join(" and ") || "this machine";
}

async function treesOf(source: string): Promise<readonly SourceTree[]> {
  const stats = await stat(source).catch(() => undefined);
  if (stats === undefined) throw new SourceNotFoundError(source, "there is no such file or folder");
  return stats.isDirectory() ? copiedTrees(source) : archivedTrees(source);
}

/** Reads `name=ssh://user@host[:port]` or `name=local`. Throws HostFlagError. */
export function parseHost(flag: string): Readonly<{ name: string; address: SshAddress | "local" }> {
  const [, name = "", address = ""] = /^([^=]*)=(.*)$/s.exec(flag) ?? [];
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name))
    throw new HostFlagError(
      flag,
      "it begins with the host's short name: ai1=ssh://user@host, or ai1=local for this machine",
    );
  return { name, address: address === "local" ? address : addressIn(name, address) };
}

const hostName = /^[A-Za-z0-9:][A-Za-z0-9._:%-]*$/;
const userName = /^(?:[A-Za-z0-9_][A-Za-z0-9._@\\-]*)?$/;

/** Neither may begin with a dash: ssh would take it for an option. */
function addressIn(name: string, text: string): SshAddress {
  const refuse = (why: string) => new HostFlagError(name, why);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "ssh:" || /^ssh:\/\/[^/]*\/?$/.exec(text) === null)
    throw refuse("its address is neither ssh://user@host[:port] nor local");
  if (url.password !== "") throw refuse("passwords are not taken: ssh is asked with keys only");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const user = decodeURIComponent(url.username);
  if (!hostName.test(host) || !userName.test(user))
    throw refuse("its address is neither ssh://user@host[:port] nor local");
  const port = url.port === "" ? {} : { port: Number(url.port) };
  return { host, ...(user !== "" && { user }), ...port };
}
