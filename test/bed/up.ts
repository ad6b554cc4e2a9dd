/** `node test/bed/up.ts`: makes this machine ready for every test. Safe to repeat; fast when there is nothing to do. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { prepareDebian } from "./debian.ts";
import { bringUpEngine, engineIsUp } from "./engines.ts";
import { enginePlaces, namespace, repository, runDir, stateDir } from "./places.ts";
import { path, run, until } from "./processes.ts";
import { preparePrometheus } from "./prometheus.ts";
import { installMissingPackages, requireFitMachine, UnfitMachineError } from "./requirements.ts";

const lockedFlag = "--locked";
const stampFile = join(stateDir, "stocked");
const main = enginePlaces("main");

/** Brings the bed up, one process at a time; throws UnfitMachineError where it cannot be. */
export async function bringUpBed(): Promise<void> {
  requireFitMachine();
  if (await bedIsReady()) return;
  mkdirSync(runDir, { recursive: true });
  const self = [process.execPath, join(repository, "test/bed/up.ts"), lockedFlag];
  const flock = ["--close", join(runDir, "lock"), ...self];
  const done = spawnSync("flock", flock, {
    stdio: ["ignore", 2, 2],
    env: { ...process.env, PATH: path() },
  });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`The bed did not come up (exit code ${done.status}).`);
}

async function bedIsReady(): Promise<boolean> {
  return readStamp() === contentStamp() && (await engineIsUp(main));
}

async function bringUpLocked(): Promise<void> {
  if (await bedIsReady()) return;
  installMissingPackages(say);
  say("starting the engine and its registries");
  mkdirSync(stateDir, { recursive: true });
  await bringUpEngine(main);
  const stamp = contentStamp();
  if (readStamp() === stamp) return;
  prepareDebian(say);
  preparePrometheus(say);
  say("stocking the registries with stand-in images");
  await stockRegistries();
  writeFileSync(stampFile, stamp);
}

async function stockRegistries(): Promise<void> {
  const inside = ["nsenter", `--net=/run/netns/${namespace}`];
  const listening = () => {
    const sockets = run([...inside, "cat", "/proc/net/tcp"]);
    return ["1388", "1389", "0050"].every((port) =>
      sockets.includes(`0100007F:${port} 00000000:0000 0A`),
    );
  };
  if (!(await until(listening, 15_000))) throw new Error("The bed's registries do not listen.");
  run([...inside, process.execPath, join(repository, "test/bed/images/stock.ts")]);
}

/** Names what the images are made of, so that a change of any of it is stocked again. */
function contentStamp(): string {
  const sources = [
    "test/bed/debian.ts",
    "test/bed/prometheus.ts",
    "test/bed/images/*.ts",
    "test/bed/stand-ins/**/*.ts",
    "templates/*/service.yaml",
    "templates/*/Dockerfile",
  ];
  const files = sources.flatMap((pattern) => globSync(pattern, { cwd: repository })).toSorted();
  const hash = createHash("sha256");
  for (const file of files) hash.update(file).update(readFileSync(join(repository, file)));
  const node = statSync(join(repository, "node_modules/node/bin/node"));
  return hash.update(`${node.size}`).digest("hex");
}

function readStamp(): string | undefined {
  try {
    return readFileSync(stampFile, "utf8");
  } catch {
    return undefined;
  }
}

function say(line: string): void {
  process.stderr.write(`bed: ${line}\n`);
}

if (import.meta.main) {
  try {
    if (process.argv.includes(lockedFlag)) await bringUpLocked();
    else await bringUpBed();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = error instanceof UnfitMachineError ? 2 : 1;
  }
}
