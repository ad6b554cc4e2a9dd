/** Where a command for a container begins among the words of `nexus exec`. Pure. */

/**
 * The words with `--` after the service, so that flags behind it belong to the command, as in `docker exec`. `valued`
 * names the flags that take the next word, as they are typed: `--user`, `-u`.
 */
export function separateCommand(
  argv: readonly string[],
  valued: ReadonlySet<string>,
): readonly string[] {
  let at = 0;
  for (let word = argv[at]; word?.startsWith("-") && word !== "--"; word = argv[at]) {
    at += valued.has(word) ? 2 : 1;
  }
  if (argv[at] === undefined || argv[at] === "--") return argv;
  const [flags, service, command] = [argv.slice(0, at), argv.slice(at, at + 1), argv.slice(at + 1)];
  return command[0] === "--" ? argv : [...flags, ...service, "--", ...command];
}

/** The part of oclif's flags that matters. */
type Flag = Readonly<{ type: string; char?: string | undefined }>;

/** The flags that take the next word, as they are typed. */
export function valuedFlags(flags: Readonly<Record<string, Flag>>): ReadonlySet<string> {
  const valued = Object.entries(flags).filter(([, { type }]) => type === "option");
  return new Set(
    valued.flatMap(([name, { char }]) => [
      `--${name}`,
      ...(char === undefined ? [] : [`-${char}`]),
    ]),
  );
}
