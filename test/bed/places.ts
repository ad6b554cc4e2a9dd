/** Where the bed keeps its things, and what they are called. Values only; nothing here touches the machine. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this bed belongs to. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** State that is worth keeping between runs: engine data, registry storage, logs. */
export const stateDir = "/var/lib/nexus-bed";

/** State that dies with the machine: sockets, pid files, locks. */
export const runDir = "/run/nexus-bed";

/** The network namespace of the main engine, its registries and the tests. */
export const namespace = "nexus-bed";

/** The main engine's socket; reachable from every network namespace. */
export const socketPath = join(runDir, "docker.sock");

/** `DOCKER_HOST` for the main engine. */
export const dockerHost = `unix://${socketPath}`;

/** The open registry, which is also the engine's mirror for Docker Hub names. */
export const openRegistry = "127.0.0.1:5000";

/** The registry that wants a login; it holds the pause image. */
export const closedRegistry = "127.0.0.1:5001";

/** Where images of other registries' names (`ghcr.io/…`) are pulled from: the open registry's storage once more, at HTTP's own port. */
export const namedRegistry = "127.0.0.1:80";

/** The only login that `closedRegistry` accepts; a test value, worth nothing elsewhere. */
export const credentials = { username: "bed", password: "bed-password" } as const;

/** The stand-in NVIDIA hook, for the PATH of engines that shall offer GPUs. */
export const binDir = join(stateDir, "bin");

/** Root file systems that can only be made with a way to Debian's mirror, as layers: `base.tar`, `python.tar`. */
export const debianDir = join(stateDir, "debian");

/** One engine and everything it owns on disk. */
export type EnginePlaces = Readonly<{
  name: string;
  namespace: string;
  dataRoot: string;
  execRoot: string;
  socketPath: string;
  pidFile: string;
  registryPidFile: string;
  nameServerPidFile: string;
  logDir: string;
}>;

/** The places of the main engine (`main`) or of a private one. */
export function enginePlaces(name: string): EnginePlaces {
  const main = name === "main";
  const state = main ? stateDir : join(stateDir, "engines", name);
  const run = main ? runDir : join(runDir, "engines", name);
  return {
    name,
    namespace: main ? namespace : `${namespace}-${name}`,
    dataRoot: join(state, "engine"),
    execRoot: join(run, "exec"),
    socketPath: join(run, "docker.sock"),
    pidFile: join(run, "dockerd.pid"),
    registryPidFile: join(run, "registry.pid"),
    nameServerPidFile: join(run, "name-server.pid"),
    logDir: join(state, "log"),
  };
}
