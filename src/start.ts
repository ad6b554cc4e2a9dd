/** What `bin/run.js` and oclif load: the bundled program, started from the code that an earlier run compiled. */
import { homedir } from "node:os";
import { join } from "node:path";
import { cacheFolder, keep, run } from "./code-cache.ts";
import { exitCodes } from "./errors.ts";

type Program = Readonly<{
  main: (from: string) => Promise<void>;
  commands: Readonly<Record<string, unknown>>;
  commandNotFound: (...parts: readonly unknown[]) => unknown;
}>;

/** Name of the program's file, put in by the build; it changes with every content, which V8 does not check. */
declare const NEXUS_PROGRAM: string;

/** One cache per command: a program knows only after it has run which functions it needed. */
function cacheFile(): string | undefined {
  const { env: environment, platform, version, arch } = process;
  if (environment["NODE_DISABLE_COMPILE_CACHE"]) return undefined;
  const folder = cacheFolder({ environment, platform, home: homedir() });
  const [word = ""] = process.argv.slice(2);
  const command = /^[a-z]+$/.test(word) ? word : "nexus";
  return join(folder, `${NEXUS_PROGRAM}-${version}-${arch}`, command);
}

function startProgram(): Program {
  const cache = cacheFile();
  const running = run({ file: join(__dirname, NEXUS_PROGRAM), cache });
  if (cache !== undefined && !running.isFromCache) {
    process.once("exit", (code) => {
      if (code !== exitCodes.usage) keep(cache, running.compiled());
    });
  }
  return running.exports as Program;
}

export const { main, commands, commandNotFound } = startProgram();
