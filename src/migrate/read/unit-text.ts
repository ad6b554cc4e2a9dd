/** The grammar of systemd's unit files: sections, continued lines, and lists of quoted words (systemd.syntax(7)). Pure. */

/** A setting of a unit; only `line` and `why` where a line is none. */
export type UnitLine = Readonly<
  { line: number } & (
    | { kind: "setting"; section: string; name: string; value: string }
    | { kind: "malformed"; why: string }
  )
>;

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  s: " ",
  t: "\t",
  v: "\v",
};

/** Every setting in order. A line that ends in a backslash goes on in the next that is no comment. */
export function readUnitLines(text: string): readonly UnitLine[] {
  const found: UnitLine[] = [];
  let section = "";
  for (const { line, text: statement } of statements(text)) {
    const header = /^\[([^\]]+)\]$/.exec(statement)?.[1];
    const sign = statement.indexOf("=");
    const name = statement.slice(0, Math.max(sign, 0)).trim();
    if (header !== undefined) section = header;
    else if (name === "" || section === "")
      found.push({ line, kind: "malformed", why: whyNot(section) });
    else
      found.push({ line, kind: "setting", section, name, value: statement.slice(sign + 1).trim() });
  }
  return found;
}

function whyNot(section: string): string {
  return section === ""
    ? "stands before any `[Section]`: systemd ignored it."
    : "is not `Name=value`: systemd ignored it.";
}

/** Lines joined where a backslash ends them; comments between them do not end them. */
function* statements(text: string): Generator<{ line: number; text: string }> {
  let begun: { line: number; text: string } | undefined;
  for (const [index, given] of text.split(/\r\n|\n|\r/).entries()) {
    const piece = given.trim();
    if (/^[#;]/.test(piece) || (piece === "" && begun === undefined)) continue;
    begun ??= { line: index + 1, text: "" };
    if (piece.endsWith("\\")) begun.text += `${piece.slice(0, -1)} `;
    else {
      yield { line: begun.line, text: (begun.text + piece).trim() };
      begun = undefined;
    }
  }
  if (begun !== undefined) yield { line: begun.line, text: begun.text.trim() };
}

type Piece = Readonly<{ value: string; end: number }>;

/** Splits into words as systemd does: quotes join and are removed, backslashes escape as in C. Undefined where a quote stays open. */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let index = 0;
  let joins = false;
  while (index < text.length) {
    const space = runOf(/\s*/y, text, index);
    index = space.end;
    if (index === text.length) break;
    const piece = readPiece(text, index);
    if (piece === undefined) return undefined;
    joins &&= space.value === "";
    words.push((joins ? (words.pop() ?? "") : "") + piece.value);
    joins = true;
    index = piece.end;
  }
  return words;
}

function readPiece(text: string, at: number): Piece | undefined {
  const first = text.charAt(at);
  if (first === "\\") return unescape(text, at);
  if (first !== '"' && first !== "'") return runOf(/[^\s"'\\]*/y, text, at);
  let value = "";
  let end = at + 1;
  while (text[end] !== first) {
    if (end >= text.length) return undefined;
    const plain = first === '"' ? /[^"\\]*/y : /[^'\\]*/y;
    const piece = text[end] === "\\" ? unescape(text, end) : runOf(plain, text, end);
    value += piece.value;
    end = piece.end;
  }
  return { value, end: end + 1 };
}

function runOf(pattern: RegExp, text: string, at: number): Piece {
  pattern.lastIndex = at;
  const value = pattern.exec(text)?.[0] ?? "";
  return { value, end: at + value.length };
}

/** An escape that nobody knows stands for itself, backslash included. */
function unescape(text: string, at: number): Piece {
  const [whole, hexadecimal] =
    /^\\[xu]((?<=x)[\da-f]{2}|(?<=u)[\da-f]{4})/i.exec(text.slice(at, at + 6)) ?? [];
  if (whole !== undefined && hexadecimal !== undefined)
    return {
      value: String.fromCodePoint(Number.parseInt(hexadecimal, 16)),
      end: at + whole.length,
    };
  const letter = text.charAt(at + 1);
  const known = /[\\"']/.test(letter) ? letter : escapes[letter];
  return { value: known ?? `\\${letter}`, end: at + 2 };
}
