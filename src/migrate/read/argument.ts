/** What a program was told on its command line. Pure. */

/** The value of an option, as `--name value` or `--name=value`: the last one, as most programs take it. Undefined where it has none. */
export function argument(
  { argv }: Readonly<{ argv: readonly string[] }>,
  name: string,
): string | undefined {
  const index = argv.findLastIndex((word) => word === name || word.startsWith(`${name}=`));
  const word = argv[index];
  if (word === undefined) return undefined;
  if (word !== name) return word.slice(name.length + 1);
  const value = argv[index + 1];
  return value?.startsWith("--") === true ? undefined : value;
}
