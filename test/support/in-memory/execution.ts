/** Processes inside a container in memory. */
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { Execution } from "../../../src/engine/engine.ts";
import type { ProcessResult } from "./world.ts";

/** A process that reads its stdin to the end, then answers all at once. */
export function execution(answer: (stdin: string) => ProcessResult): Execution {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const run = async () => {
    const result = answer(await text(stdin));
    stdout.end(result.stdout ?? "");
    stderr.end(result.stderr ?? "");
    return result.exitCode ?? 0;
  };
  return { stdin, stdout, stderr, exitCode: run(), resize: async () => undefined };
}
