/** Says what was probably meant by a command that does not exist. */
import { Errors, type Hook } from "@oclif/core";
import { exitCodes } from "../errors.ts";
import { nearestCommand } from "../terminal/near-words.ts";

const hook: Hook.CommandNotFound = function suggest({ argv = [], config, id }) {
  const asked = id.replaceAll(":", " ");
  const commands = config.commands.filter(({ hidden }) => !hidden);
  const names = commands.map((command) => command.id.replaceAll(":", " "));
  const near = nearestCommand([...asked.split(" "), ...argv], names);
  const message = `nexus has no command \`${asked}\`.`;
  const remedy =
    near === undefined ? "See them all with `nexus --help`." : `Did you mean \`nexus ${near}\`?`;
  if (argv.includes("--json")) {
    const error = {
      class: "UnknownCommand",
      code: "NEXUS_UNKNOWN_COMMAND",
      message,
      remedy,
      exit: exitCodes.usage,
    };
    process.stdout.write(`${JSON.stringify({ error }, undefined, 2)}\n`);
    throw new Errors.ExitError(exitCodes.usage);
  }
  throw new Errors.CLIError(message, {
    code: "NEXUS_UNKNOWN_COMMAND",
    suggestions: [remedy],
    exit: exitCodes.usage,
  });
};

export default hook;
