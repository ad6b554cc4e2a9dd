/** Starts the command line: oclif finds the command, the command does the rest. */
import { execute, settings } from "@oclif/core";

/** Runs the command that the process arguments name; `from` is the URL of the file in `bin/`. */
export async function main(from: string): Promise<void> {
  // With NODE_ENV=development or test, oclif would look for TypeScript sources and warn that there are none.
  settings.enableAutoTranspile = false;
  await execute({ dir: from });
}
