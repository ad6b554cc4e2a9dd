/** Who listens on a port, for the message that says so. */
import { readFile, readdir, readlink } from "node:fs/promises";
import type { PortHolder } from "../errors/conflict.ts";
import type { DockerClient } from "./client.ts";
import { readForeign } from "./observed-container.ts";

/** Finds the container, else the process of this machine (`local`), that holds `port`; never fails. */
export async function findPortHolder(
  client: DockerClient,
  port: number,
  { local }: Readonly<{ local: boolean }>,
): Promise<PortHolder> {
  const listed = await client
    .read("list containers", async (docker, options) => docker.listContainers(options))
    .catch(() => []);
  const holder = listed
    .map(readForeign)
    .find(({ ports }) => ports.some(({ hostPort }) => hostPort === port));
  if (holder === undefined) return local ? findProcess(port) : { kind: "process" };
  const { name, image, owner } = holder;
  return { kind: "container", name, image, ...(owner === undefined ? {} : { owner }) };
}

async function findProcess(port: number): Promise<PortHolder> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map(async (file) => readText(file)),
  );
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return { kind: "process" };
  for (const pid of (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name)))
    if (await holdsSocket(pid, inodes))
      return { kind: "process", pid: Number(pid), command: await commandOf(pid) };
  return { kind: "process" };
}

/** Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp (proc(5)): state 0A is LISTEN. */
export function listeningInodes(table: string, port: number): readonly string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").flatMap((line) => {
    const [, address = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    return state === "0A" && address.endsWith(`:${hexPort}`) ? [inode] : [];
  });
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const handles = await readdir(folder).catch(() => []);
  const links = await Promise.all(
    handles.map(async (handle) => readlink(`${folder}/${handle}`).catch(() => "")),
  );
  return links.some((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ""));
}

async function commandOf(pid: string): Promise<string> {
  const words = (await readText(`/proc/${pid}/cmdline`)).split("\0").filter((word) => word !== "");
  return words.slice(0, 3).join(" ");
}

const readText = async (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");
