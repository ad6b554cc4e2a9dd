/** What the scenario program is told to do by its environment; times in milliseconds, Infinity for never. */
import { listFrom, numberFrom } from "../serve.ts";

/** Everything that can be asked of the scenario program. README.md of the bed explains each variable. */
export type Behaviour = Readonly<{
  version: string;
  port: number;
  dataDir: string;
  crashAfterMs: number;
  crashCode: number;
  crashMessage: string;
  /** Only this many first starts crash; counted in the volume. */
  crashFirstStarts: number;
  eatMemoryAfterMs: number;
  listens: boolean;
  listenAfterMs: number;
  readyAfterMs: number;
  unreadyAfterMs: number;
  contract: boolean;
  ignoreSigterm: boolean;
  models: readonly string[];
  chunks: number;
  chunkEveryMs: number;
  breakAfterChunks: number;
  maxConcurrency: number;
  logEveryMs: number;
}>;

/** Reads the behaviour from the environment variables that begin with SCENARIO_. */
export function behaviourFromEnvironment(): Behaviour {
  const ready = process.env["SCENARIO_READY_AFTER_MS"];
  return {
    version: process.env["SCENARIO_VERSION"] ?? "0",
    port: numberFrom("SCENARIO_PORT", 9000),
    dataDir: process.env["SCENARIO_DATA_DIR"] ?? "/data",
    crashCode: numberFrom("SCENARIO_CRASH_CODE", 1),
    crashMessage: process.env["SCENARIO_CRASH_MESSAGE"] ?? "scenario: crashing as told",
    listens: process.env["SCENARIO_LISTEN"] !== "never",
    listenAfterMs: numberFrom("SCENARIO_LISTEN_AFTER_MS", 0),
    readyAfterMs: ready === "never" ? Infinity : numberFrom("SCENARIO_READY_AFTER_MS", 0),
    unreadyAfterMs: numberFrom("SCENARIO_UNREADY_AFTER_MS", Infinity),
    contract: process.env["SCENARIO_CONTRACT"] !== "none",
    ignoreSigterm: process.env["SCENARIO_IGNORE_SIGTERM"] === "1",
    models: listFrom("SCENARIO_MODELS", ["scenario"]),
    chunks: numberFrom("SCENARIO_CHUNKS", 8),
    chunkEveryMs: numberFrom("SCENARIO_CHUNK_EVERY_MS", 0),
    maxConcurrency: numberFrom("SCENARIO_MAX_CONCURRENCY", 4),
    crashAfterMs: numberFrom("SCENARIO_CRASH_AFTER_MS", Infinity),
    crashFirstStarts: numberFrom("SCENARIO_CRASH_FIRST_STARTS", Infinity),
    eatMemoryAfterMs: numberFrom("SCENARIO_EAT_MEMORY_AFTER_MS", Infinity),
    breakAfterChunks: numberFrom("SCENARIO_BREAK_AFTER_CHUNKS", Infinity),
    logEveryMs: numberFrom("SCENARIO_LOG_EVERY_MS", Infinity),
  };
}
