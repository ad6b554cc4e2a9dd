/** The grammar of systemd's `EnvironmentFile=` (its env-file.c, systemd.exec(5)): no comments behind values, no references, quotes that join. Pure. */
import type { Assignment } from "./dotenv-text.ts";

const nameOfVariable = /^[A-Za-z_][A-Za-z0-9_]*$/;
const whyNoSign = "is not `NAME=value`: systemd skipped it.";
const whyNoName = "has no name that systemd takes: the service never had it.";
const newline = /[\r\n]/;

/** Every statement of the text that is neither blank nor a comment, in order. Linear in its length. */
export function readSystemdEnvironment(text: string): readonly Assignment[] {
  const assignments: Assignment[] = [];
  const scanner: Scanner = { text, index: 0, line: 1 };
  for (;;) {
    while (/\s/.test(peek(scanner))) next(scanner);
    if (peek(scanner) === "") return assignments;
    const { line } = scanner;
    if (/[#;]/.test(peek(scanner))) {
      skipComment(scanner);
      continue;
    }
    const key = readKey(scanner);
    if (peek(scanner) !== "=") {
      assignments.push({ line, name: undefined, value: "", notes: [whyNoSign] });
      continue;
    }
    next(scanner);
    const value = readValue(scanner);
    assignments.push(
      nameOfVariable.test(key)
        ? { line, name: key, value, notes: [] }
        : { line, name: undefined, value: "", notes: [whyNoName] },
    );
  }
}

type Scanner = { readonly text: string; index: number; line: number };

const peek = ({ text, index }: Scanner): string => text.charAt(index);

/** Takes one character; a line ends with LF, CRLF or CR. */
function next(scanner: Scanner): string {
  const taken = peek(scanner);
  scanner.index += 1;
  if (taken === "\n" || (taken === "\r" && peek(scanner) !== "\n")) scanner.line += 1;
  return taken;
}

function skipComment(scanner: Scanner): void {
  while (peek(scanner) !== "" && !newline.test(peek(scanner))) {
    next(scanner);
  }
}

function readKey(scanner: Scanner): string {
  const start = scanner.index;
  while (!/^[=\r\n]?$/.test(peek(scanner))) next(scanner);
  return scanner.text.slice(start, scanner.index).trim();
}

/** Quoted and bare pieces join, quotes inside of a bare piece are its own, and white space at the end of a bare piece is none of it. */
function readValue(scanner: Scanner): string {
  let value = "";
  while (peek(scanner) !== "" && !newline.test(peek(scanner))) {
    const taken = peek(scanner);
    if (taken === "'" || taken === '"') value += readQuoted(scanner);
    else if (/\s/.test(taken)) next(scanner);
    else value += readBare(scanner);
  }
  return value;
}

/** After a bare piece the line is over: quotes no longer mean anything. */
function readBare(scanner: Scanner): string {
  let value = "";
  let kept = 0;
  while (peek(scanner) !== "" && !newline.test(peek(scanner))) {
    const taken = next(scanner);
    if (taken === "\\") value += escaped(scanner);
    else value += taken;
    if (taken === "\\" || !/\s/.test(taken)) kept = value.length;
  }
  return value.slice(0, kept);
}

function readQuoted(scanner: Scanner): string {
  const quote = next(scanner);
  let value = "";
  while (peek(scanner) !== "" && peek(scanner) !== quote) {
    const taken = next(scanner);
    const special = taken === "\\" && quote === '"';
    value += special && /["\\`$\n]/.test(peek(scanner)) ? escaped(scanner) : taken;
  }
  next(scanner);
  return value;
}

/** What a backslash stands before; at the end of a line both are nothing. */
function escaped(scanner: Scanner): string {
  const taken = next(scanner);
  if (taken === "\r" && peek(scanner) === "\n") next(scanner);
  return newline.test(taken) ? "" : taken;
}
