/** A word of a command line: bare text, escapes, and quoted parts joined together. */
const word = /\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)\s*/gsy;

/** A part of a word, by how it is quoted. */
const part = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s"'\\]+)/gs;

/** Splits a command line into words as a shell would, without running one. Undefined when a quote stays open. */
export function splitCommand(line: string): readonly string[] | undefined {
  const words = [...line.matchAll(word)];
  const read = words.reduce((length, [whole]) => length + whole.length, 0);
  if (line.slice(read).trim() !== "") return undefined;
  return words.map(([, text = ""]) => text.replace(part, unquoted));
}

/** Inside double quotes a backslash only escapes what the shell lets it. */
function unquoted(
  _: string,
  ...[single, double, escaped, bare]: readonly (string | undefined)[]
): string {
  return single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? bare ?? "";
}
