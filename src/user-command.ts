/** What the commands that make and change users have in common. */
import { Args, Flags } from "@oclif/core";
import { readPassword, refuseLength } from "./apply/passwords.ts";
import { writeSecret } from "./terminal/prompts.ts";

/** What every command about one user takes. */
export const userArgs = {
  name: Args.string({ ignoreStdin: true, required: true, description: "Name of the user." }),
};

/** How a password gets in without being asked for. */
export const passwordFlags = {
  "password-file": Flags.string({
    description: "File that holds the password, - for stdin; asked for when left out.",
  }),
};

/** A new password: from the file that was named, or asked for twice without being shown. */
export async function newPassword(name: string, file: string | undefined): Promise<string> {
  const password =
    file === undefined
      ? await writeSecret({ message: `Password of ${name}:`, flag: "--password-file" })
      : await readPassword(file, process.stdin);
  refuseLength(password);
  return password;
}
