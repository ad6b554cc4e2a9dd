/** The grammar of nginx's configuration: directives, blocks, quotes and comments (its ngx_conf_file.c). Pure. */

/** A directive with its words, and what stands in its braces if it has any. */
export type Directive = Readonly<{
  /** Where it begins, from 1. */
  line: number;
  name: string;
  args: readonly string[];
  block?: readonly Directive[];
}>;

/** What a text says, and where it is wrong. */
export type NginxText = Readonly<{
  directives: readonly Directive[];
  problems: readonly Readonly<{ line: number; why: string }>[];
}>;

type Token = Readonly<
  { line: number } & ({ kind: "word"; text: string } | { kind: ";" | "{" | "}" })
>;
const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
const deepest = 50;
const space = /\s*/y;
const quoted = { '"': /[^"\\]*/y, "'": /[^'\\]*/y };
const bare = /[^\s;{}\\$]*/y;

/** Parses a configuration as far as it goes: what is wrong is said by line, and the rest is read nevertheless. */
export function parseNginx(text: string): NginxText {
  const tree = new Tree();
  for (const token of tokens(text)) tree.add(token);
  return tree.end();
}

/** Puts directives into the blocks that are open. */
class Tree {
  readonly #directives: Directive[] = [];
  readonly #problems: { line: number; why: string }[] = [];
  readonly #open: { line: number; block: Directive[] }[] = [];
  #words: (Token & { kind: "word" })[] = [];

  add(token: Token): void {
    if (token.kind === "word") this.#words.push(token);
    else if (token.kind === "}") this.#close(token.line);
    else this.#finish(token.line, token.kind === "{" ? [] : undefined);
  }

  end(): NginxText {
    for (const { line } of this.#words.slice(0, 1)) this.#unended(line);
    for (const { line } of this.#open) this.#problems.push({ line, why: "is never closed." });
    return { directives: this.#directives, problems: this.#problems };
  }

  #finish(endLine: number, block?: Directive[]): void {
    const [first, ...rest] = this.#words;
    const { line, text: name } = first ?? { line: endLine, text: "" };
    const args = rest.map(({ text }) => text);
    this.#words = [];
    if (first === undefined)
      this.#problems.push({ line, why: "has a block or a `;` without a name before it." });
    else this.#place({ line, name, args, ...(block && { block }) });
    if (block !== undefined) this.#open.push({ line, block });
  }

  #place(directive: Directive): void {
    const within = this.#open.at(-1)?.block ?? this.#directives;
    if (this.#open.length < deepest) within.push(directive);
    else {
      const why = "is nested too deeply: it is left out.";
      this.#problems.push({ line: directive.line, why });
    }
  }

  #close(line: number): void {
    for (const word of this.#words.slice(0, 1)) this.#unended(word.line);
    if (this.#open.pop() === undefined)
      this.#problems.push({ line, why: "closes what is not open." });
  }

  #unended(line: number): void {
    this.#problems.push({ line, why: "is not ended by `;`." });
    this.#finish(line);
  }
}

function* tokens(text: string): Generator<Token> {
  let line = 1;
  let index = 0;
  while (index < text.length) {
    const start = skipBlank(text, index);
    line += newlines(text, index, start);
    const first = text.charAt(start);
    const token = tokenAt(text, start, first);
    if (first !== "") yield { line, ...token };
    index = token.end;
    line += newlines(text, start, index);
  }
}

function tokenAt(text: string, start: number, first: string) {
  if (first === ";" || first === "{" || first === "}")
    return { kind: first, end: start + 1 } as const;
  const quote = first === '"' || first === "'";
  return {
    kind: "word",
    ...(quote ? readQuoted(text, start, first) : readBare(text, start)),
  } as const;
}

/** Behind white space and comments. */
function skipBlank(text: string, from: number): number {
  let index = end(space, text, from);
  while (text[index] === "#") {
    const newline = text.indexOf("\n", index);
    index = newline === -1 ? text.length : end(space, text, newline);
  }
  return index;
}

type Word = Readonly<{ text: string; end: number }>;

/** Up to the closing quote, or to the end where there is none. */
function readQuoted(text: string, from: number, quote: '"' | "'"): Word {
  let value = "";
  let index = from + 1;
  while (index < text.length && text[index] !== quote) {
    const next = end(quoted[quote], text, index);
    value += text.slice(index, next);
    index = next;
    if (text[index] !== "\\") continue;
    const letter = text.charAt(index + 1);
    value += /["'\\]/.test(letter) ? letter : (escapes[letter] ?? `\\${letter}`);
    index += 2;
  }
  return { text: value, end: Math.min(index + 1, text.length) };
}

/** Up to white space or `;{}`; the braces of `${name}` are its own. */
function readBare(text: string, from: number): Word {
  let index = from;
  let variable = false;
  for (;;) {
    index = end(bare, text, index);
    if (text.startsWith("${", index)) variable = true;
    if (text.startsWith("${", index) || text[index] === "\\") index += 2;
    else if (text[index] === "$") index += 1;
    else if (variable && text[index] === "}") {
      variable = false;
      index += 1;
    } else break;
  }
  return { text: text.slice(from, index), end: Math.min(index, text.length) };
}

function end(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return from + (pattern.exec(text)?.[0].length ?? 0);
}

function newlines(text: string, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index += 1) if (text[index] === "\n") count += 1;
  return count;
}
