/** Splits a command line into words as a shell would, without running one. Undefined when a quote stays open. */
export function splitCommand(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    if (character === quote) quote = "";
    else if (character === "\\" && quote !== "'") {
      index += 1;
      word = (word ?? "") + unescaped(line.charAt(index), quote);
    } else if (quote === "" && /["']/.test(character)) {
      quote = character;
      word ??= "";
    } else if (quote === "" && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") return undefined;
  return word === undefined ? words : [...words, word];
}

/** Inside double quotes a backslash only escapes what the shell lets it. */
function unescaped(character: string, quote: string): string {
  return quote === '"' && !/["\\$`]/.test(character) ? `\\${character}` : character;
}
