/** A stand-in for a tokenizer: a token is a word with the blanks before it. */

/** Splits a text so that its tokens, joined, are the text again. */
export function tokenize(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** How many tokens a text has. */
export function countTokens(text: string): number {
  return tokenize(text).length;
}
