/** Runs the bundled program with the code that V8 compiled for it in an earlier run. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { constants, Script } from "node:vm";

/** A CommonJS file, and where the code compiled for it is kept; nowhere when `cache` is undefined. */
export type CachedProgram = Readonly<{ file: string; cache?: string | undefined }>;

/** What a program that has run exports, and what it has compiled by now. */
export type Running = Readonly<{ exports: unknown; isFromCache: boolean; compiled: () => Buffer }>;

type Settings = Readonly<{
  environment: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  home: string;
}>;

/** Days after which the code of a build that starts no more is thrown away. */
const keptDays = 7;

/** The user's own folder for what can be made again; never a shared one, because what lies there is executed. */
export function cacheFolder({ environment, platform, home }: Settings): string {
  const { XDG_CACHE_HOME: named, LOCALAPPDATA: local } = environment;
  if (named) return join(named, "nexus");
  if (platform === "win32" && local) return join(local, "nexus", "Cache");
  return platform === "darwin" ? join(home, "Library/Caches/nexus") : join(home, ".cache/nexus");
}

/**
 * Runs the file as `require` would. Node's own compile cache keeps code as it is before it has run, without the
 * functions compiled on the way: compiling those again is about a quarter of what a command costs.
 */
export function run({ file, cache }: CachedProgram): Running {
  const cachedData = cache === undefined ? undefined : readIfThere(cache);
  // The build writes plain ASCII, which V8 keeps as it is, one byte per character.
  const script = new Script(wrapped(readFileSync(file, "latin1")), {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const module = { exports: {} };
  // The wrapper is the one that Node puts around every CommonJS module.
  const start = script.runInThisContext() as (...parts: readonly unknown[]) => void;
  start(module.exports, createRequire(file), module, file, dirname(file));
  const isFromCache = cachedData !== undefined && script.cachedDataRejected === false;
  return { exports: module.exports, isFromCache, compiled: () => script.createCachedData() };
}

/** Keeps compiled code for the next run; a cache that cannot be written costs time, nothing else. */
export function keep(cache: string, code: Buffer): void {
  const folder = dirname(cache);
  const partial = `${cache}.${process.pid}`;
  try {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) sweep(dirname(folder));
    writeFileSync(partial, code, { mode: 0o600 });
    renameSync(partial, cache);
  } catch {
    removeIfPossible(partial);
  }
}

function wrapped(source: string): string {
  return `(function (exports, require, module, __filename, __dirname) { ${source}\n})`;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Every build has a folder of its own. */
function sweep(builds: string): void {
  const oldest = Date.now() - keptDays * 24 * 60 * 60 * 1000;
  for (const name of readdirSync(builds)) {
    const build = join(builds, name);
    if (statSync(build).mtimeMs < oldest) rmSync(build, { recursive: true, force: true });
  }
}

/** Where a folder cannot be made, `force` does not help. */
function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    return;
  }
}
