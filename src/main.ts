/** Starts the command line: oclif finds the command, the command does the rest. */
import { execute } from "@oclif/core";

/** Runs the command that the process arguments name; `from` is the URL of the file in `bin/`. */
export async function main(from: string): Promise<void> {
  await execute({ dir: from });
}
