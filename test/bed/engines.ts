/** Engines with their network namespaces and registries: brought up, looked at, taken down. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Card } from "./card.ts";
import { engineAnswers, removeContainers } from "./engine-http.ts";
import {
  binDir,
  closedRegistry,
  type EnginePlaces,
  namedRegistry,
  openRegistry,
  repository,
  stateDir,
} from "./places.ts";
import { killLeftBehind, quietly, removeFolder, unmountUnder } from "./remains.ts";
import { livePid, run, startDaemon, stopDaemon, until } from "./processes.ts";

/** How an engine differs from the usual one. */
export type EngineOptions = Readonly<{
  /** Accept NVIDIA device requests; default true. */
  nvidia?: boolean;
  /** GPUs that `nvidia-smi` shows in its containers; without them no container gets that program. */
  cards?: readonly Card[];
  /** Size of a RAM file system under the data root, in bytes; default: the disk. */
  dataRootBytes?: number;
  /** Further arguments for dockerd. */
  args?: readonly string[];
}>;

const registries = [
  { name: "open", address: openRegistry, storage: "open" },
  { name: "closed", address: closedRegistry, storage: "closed" },
  { name: "named", address: namedRegistry, storage: "open" },
] as const;

/** bcrypt of `credentials` in places.ts. */
const passwordLine = "bed:$2y$05$nexusbednexusbednexusOLYPS6yh8h4pKU7u850AVl5Xf0c8SKrm\n";

/** True when the namespace, both registries and the engine are there and answer. */
export async function engineIsUp(places: EnginePlaces): Promise<boolean> {
  const registriesLive = registries.every(
    ({ name }) => livePid(registryPidFile(places, name), "registry") !== undefined,
  );
  const namesLive = livePid(places.nameServerPidFile, "name-server") !== undefined;
  return registriesLive && namesLive && (await engineAnswers(places.socketPath));
}

/** Brings up whatever of the engine is missing; throws with the log's last lines when it does not answer in 60 s. */
export async function bringUpEngine(
  places: EnginePlaces,
  options: EngineOptions = {},
): Promise<void> {
  ensureNamespace(places.namespace);
  for (const registry of registries) startRegistry(places, registry);
  startNameServer(places);
  await startEngine(places, options);
}

/** Starts the engine's daemon unless it answers already. */
export async function startEngine(
  places: EnginePlaces,
  options: EngineOptions = {},
): Promise<void> {
  if (await engineAnswers(places.socketPath)) return;
  await stopEngine(places);
  prepareDataRoot(places, options);
  const nvidia = options.nvidia ?? true;
  const hooks = nvidia ? writeNvidiaHook(places, options.cards ?? []) : undefined;
  const logFile = join(places.logDir, "dockerd.log");
  startDaemon({
    command: engineCommand(places, options),
    namespace: places.namespace,
    pidFile: places.pidFile,
    logFile,
    ...(hooks === undefined ? {} : { binDir: hooks }),
  });
  if (!(await until(() => engineAnswers(places.socketPath), 60_000))) {
    const lastLines = readFileSync(logFile, "utf8").split("\n").slice(-20).join("\n");
    throw new Error(
      `The bed's engine "${places.name}" does not answer. Its log ends:\n${lastLines}`,
    );
  }
  allowBridgedFrames(places.namespace);
}

/** Stops the engine's daemon; its registry and namespace stay. */
export async function stopEngine(
  places: EnginePlaces,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  await stopDaemon(places.pidFile, "dockerd", signal);
  await endContainerd(places);
}

/** Ends everything of the engine; with `purge` its files go too. */
export async function takeDownEngine(places: EnginePlaces, purge: boolean): Promise<void> {
  await removeContainers(places.socketPath);
  await stopEngine(places);
  killLeftBehind(places.execRoot);
  for (const { name } of registries) await stopDaemon(registryPidFile(places, name), "registry");
  await stopDaemon(places.nameServerPidFile, "name-server");
  for (const dir of [places.execRoot, places.dataRoot]) unmountUnder(dir);
  quietly(["ip", "netns", "delete", places.namespace]);
  const [runPlace, statePlace] = [dirname(places.socketPath), dirname(places.dataRoot)];
  for (const dir of purge ? [runPlace, statePlace] : [runPlace]) removeFolder(dir);
}

/** Waits for the engine's containerd too: the next dockerd would adopt one that is still dying, and hang. */
async function endContainerd(places: EnginePlaces): Promise<void> {
  await stopDaemon(join(places.execRoot, "containerd", "containerd.pid"), "containerd");
}

function ensureNamespace(name: string): void {
  const file = join("/run/netns", name);
  if (!quietly(["nsenter", `--net=${file}`, "true"])) {
    rmSync(file, { force: true });
    run(["ip", "netns", "add", name]);
  }
  run(["ip", "-n", name, "link", "set", "lo", "up"]);
}

function engineCommand(places: EnginePlaces, options: EngineOptions): readonly string[] {
  const nvidia = (options.nvidia ?? true) ? ["--add-runtime", `nvidia=${runcPath()}`] : [];
  return [
    "dockerd",
    "--config-file",
    writeEmptyConfig(),
    "--data-root",
    places.dataRoot,
    "--exec-root",
    places.execRoot,
    "--pidfile",
    join(places.execRoot, "docker.pid"),
    "--registry-mirror",
    `http://${openRegistry}`,
    "-H",
    `unix://${places.socketPath}`,
    ...nvidia,
    ...(options.args ?? []),
  ];
}

/** Keeps the machine's own /etc/docker/daemon.json out of the bed. */
function writeEmptyConfig(): string {
  const file = join(stateDir, "daemon.json");
  writeFileSync(file, "{}\n");
  return file;
}

function prepareDataRoot(places: EnginePlaces, options: EngineOptions): void {
  for (const dir of [places.dataRoot, places.execRoot]) mkdirSync(dir, { recursive: true });
  rmSync(join(places.execRoot, "docker.pid"), { force: true });
  const mounted = readFileSync("/proc/mounts", "utf8").includes(` ${places.dataRoot} tmpfs `);
  if (options.dataRootBytes === undefined || mounted) return;
  run([
    "mount",
    "-t",
    "tmpfs",
    "-o",
    `size=${options.dataRootBytes}`,
    "nexus-bed",
    places.dataRoot,
  ]);
}

/** dockerd offers the `nvidia` driver when this hook is on its PATH; resolves with its folder. */
function writeNvidiaHook(places: EnginePlaces, cards: readonly Card[]): string {
  const folder = cards.length === 0 ? binDir : join(dirname(places.dataRoot), "bin");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "cards.json");
  if (cards.length > 0) writeFileSync(file, JSON.stringify(cards));
  const program = join(repository, "test/bed/nvidia-hook.ts");
  const work = cards.length === 0 ? "exit 0" : `exec '${process.execPath}' '${program}' '${file}'`;
  const hook = join(folder, "nvidia-container-runtime-hook");
  writeFileSync(hook, `#!/bin/sh\n${work}\n`, { mode: 0o755 });
  return folder;
}

function runcPath(): string {
  return run(["sh", "-c", "command -v runc || command -v docker-runc"]).trim();
}

function startRegistry(places: EnginePlaces, registry: (typeof registries)[number]): void {
  const pidFile = registryPidFile(places, registry.name);
  if (livePid(pidFile, "registry") !== undefined) return;
  const config = join(stateDir, `registry-${registry.name}.yml`);
  writeFileSync(config, registryConfig(registry));
  startDaemon({
    command: ["docker-registry", "serve", config],
    namespace: places.namespace,
    pidFile,
    logFile: join(places.logDir, `registry-${registry.name}.log`),
  });
}

function registryConfig({ name, address, storage }: (typeof registries)[number]): string {
  const passwords = join(stateDir, "htpasswd");
  writeFileSync(passwords, passwordLine);
  const auth = name === "closed" ? `auth: { htpasswd: { realm: bed, path: ${passwords} } }\n` : "";
  return [
    "version: 0.1",
    "log: { level: warn, accesslog: { disabled: true } }",
    `storage: { filesystem: { rootdirectory: ${join(stateDir, `registry-${storage}`)} }, delete: { enabled: true } }`,
    `http: { addr: "${address}" }`,
    auth,
  ].join("\n");
}

/** Answers at the addresses that this machine's resolver asks, which lead nowhere in here otherwise. */
function startNameServer(places: EnginePlaces): void {
  if (livePid(places.nameServerPidFile, "name-server") !== undefined) return;
  const servers = nameServers(readFileSync("/etc/resolv.conf", "utf8"));
  for (const address of servers)
    quietly(["ip", "-n", places.namespace, "address", "add", address, "dev", "lo"]);
  startDaemon({
    command: [process.execPath, join(repository, "test/bed/name-server.ts"), ...servers],
    namespace: places.namespace,
    pidFile: places.nameServerPidFile,
    logFile: join(places.logDir, "name-server.log"),
  });
}

/** The resolver's servers; with none it asks this machine itself (resolv.conf(5)). */
function nameServers(resolvConf: string): readonly string[] {
  const named = [...resolvConf.matchAll(/^nameserver\s+([\d.]+|[\da-f:]+)\s*$/gim)];
  const servers = named.flatMap(([, address]) => address ?? []);
  return servers.length === 0 ? ["127.0.0.1"] : servers;
}

function registryPidFile(places: EnginePlaces, name: string): string {
  return `${places.registryPidFile}.${name}`;
}

/** Some kernels hand bridged frames to iptables, whose FORWARD policy dockerd has set to DROP. */
function allowBridgedFrames(namespace: string): void {
  const rule = ["FORWARD", "-m", "physdev", "--physdev-is-bridged", "-j", "ACCEPT"];
  const iptables = ["nsenter", `--net=/run/netns/${namespace}`, "iptables", "-w"];
  if (quietly([...iptables, "-C", ...rule])) return;
  quietly([...iptables, "-I", ...rule]);
}
