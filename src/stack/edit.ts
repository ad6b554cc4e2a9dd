/** Changes stack files as text, so that comments, order and blank lines stay as their owner wrote them. Pure. */
import { parseDocument, stringify } from "yaml";
import { InvalidStackError, StackEditError } from "./errors.ts";
import type { Problem } from "./problem.ts";
import { isRecord } from "./record.ts";
import { parseSource } from "./source.ts";
import { readStackFile } from "./stack-file.ts";
import { type Entry, firstLineOf, isBlank, type Page, readPage } from "./stack-page.ts";

/** A service's keys as they are to be written. */
export type ServiceText = Readonly<Record<string, unknown>>;

/**
 * Adds a service below the others. Throws {@link StackEditError} when the name is taken or the file is written in a
 * way that cannot be added to, InvalidStackError when the result is not valid.
 */
export function addService(text: string, name: string, spec: ServiceText): string {
  const page = readPage(text);
  if (page.entries.some((entry) => entry.name === name)) {
    throw new StackEditError(
      `There is a service \`${name}\` in the stack file already.`,
      `Choose another name with \`--name\`, or take the old one out with \`nexus remove service ${name}\`.`,
    );
  }
  const added = insertEntry(page, renderEntry(page, name, spec));
  return verified(page, joined(page, added), (names) => [...names, name]);
}

/** Takes a service out, with the comments right above it. Throws {@link StackEditError} when there is none of that name. */
export function removeService(text: string, name: string): string {
  const page = readPage(text);
  const entry = page.entries.find((candidate) => candidate.name === name);
  if (!entry) {
    const names = page.entries.map((other) => other.name).join(", ") || "none";
    throw new StackEditError(
      `There is no service \`${name}\` in the stack file.`,
      `It has: ${names}. See which file a service comes from with \`nexus config\`.`,
    );
  }
  return verified(page, joined(page, removeEntry(page, entry)), (names) =>
    names.filter((other) => other !== name),
  );
}

function insertEntry(
  { lines, heading, empty, entries }: Page,
  entry: readonly string[],
): readonly string[] {
  if (heading === undefined) return [...atEnd(lines), "services:", ...entry, ""];
  if (empty) return lines.toSpliced(heading, 1, (lines[heading] ?? "").trimEnd(), ...entry);
  const at = entries.at(-1)?.end ?? heading + 1;
  const spaced = entries.some(
    ({ start }, index) => index > 0 && isBlank(lines[firstLineOf(lines, start) - 1]),
  );
  return lines.toSpliced(at, 0, ...(spaced ? [""] : []), ...entry);
}

/** The lines without empty ones at the end, and one empty line when there are any. */
function atEnd(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return last === -1 ? [] : [...lines.slice(0, last + 1), ""];
}

function removeEntry(
  { lines, heading = 0, entries }: Page,
  { start, end }: Entry,
): readonly string[] {
  const first = firstLineOf(lines, start);
  if (entries.length === 1) {
    const bare = (lines[heading] ?? "").replace(/:/, ": {}");
    return [
      ...lines.slice(0, heading),
      bare,
      ...lines.slice(heading + 1, first),
      ...lines.slice(end),
    ];
  }
  const isLast = entries.at(-1)?.start === start;
  const blankBefore = isBlank(lines[first - 1]);
  const blankAfter = isBlank(lines[end]);
  if (blankBefore && (isLast || blankAfter)) return lines.toSpliced(first - 1, end - first + 1);
  return lines.toSpliced(first, end - first + (first - 1 === heading && blankAfter ? 1 : 0));
}

function renderEntry({ indent, step }: Page, name: string, spec: ServiceText): readonly string[] {
  const text = stringify({ [name]: spec }, { indent: step, lineWidth: 0 });
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? line : " ".repeat(indent) + line));
}

function joined({ newline }: Page, lines: readonly string[]): string {
  return lines.join(newline);
}

/** The result has no new problem, has the services it should have, and says the same as before about everything else. */
function verified(
  page: Page,
  text: string,
  expected: (names: readonly string[]) => readonly string[],
): string {
  const problems = newProblems(page.text, text);
  if (problems.length > 0) throw new InvalidStackError("nexus.yaml", problems, { of: "change" });
  const names = expected(page.entries.map(({ name }) => name));
  const before = contentOf(page.text);
  const after = contentOf(text);
  const kept = names.filter((name) => Object.hasOwn(before.services, name));
  const same =
    isSame(Object.keys(after.services), names) &&
    kept.every((name) => isSame(before.services[name], after.services[name])) &&
    isSame(before.rest, after.rest);
  if (same) return text;
  throw new StackEditError(
    "The stack file is written in a way that cannot be changed without touching more than the service.",
    "Make the change by hand and check it with `nexus config`.",
  );
}

type Content = Readonly<{ services: Readonly<Record<string, unknown>>; rest: unknown }>;

function contentOf(text: string): Content {
  const content: unknown = parseDocument(text, { merge: true }).toJS();
  const { services, ...rest } = isRecord(content) ? content : {};
  return { services: isRecord(services) ? services : {}, rest };
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** What is wrong now and was not before: variables have no values here, so that some things always look wrong. */
function newProblems(before: string, after: string): readonly Problem[] {
  const known = new Set(problemsOf(before).map(({ path, message }) => `${path} ${message}`));
  return problemsOf(after).filter(({ path, message }) => !known.has(`${path} ${message}`));
}

function problemsOf(text: string): readonly Problem[] {
  const source = parseSource({ name: "nexus.yaml", directory: "", text });
  return readStackFile(source, new Map()).problems;
}
