/** Reads `.env` and `env_file:` files with Compose's rules. Pure. */
import { interpolate, type Variables } from "./interpolate.ts";

/** What an env file says, in order; a name without a value means the environment's own, or nothing. */
export type EnvFile = Readonly<{
  entries: readonly Entry[];
  problems: readonly Readonly<{ line: number; message: string }>[];
}>;

type Entry = Readonly<{ name: string; value: string | undefined; line: number }>;

const assignment = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:([=:])\s*(.*))?$/s;
const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** Parses env file text: quotes, `export`, comments, several lines in quotes, and `${VAR}` outside single quotes. */
export function parseEnvFile(text: string, variables: Variables): EnvFile {
  const known = new Map(variables);
  const entries: Entry[] = [];
  const problems: { line: number; message: string }[] = [];
  for (const { statement, line } of statements(text)) {
    const read = readStatement(statement, known);
    problems.push(...read.problems.map((message) => ({ line, message })));
    if (read.name !== undefined) entries.push({ name: read.name, value: read.value, line });
    if (read.name !== undefined && read.value !== undefined && !variables.has(read.name)) {
      known.set(read.name, { value: read.value, from: "env file" });
    }
  }
  return { entries, problems };
}

type Statement = Readonly<{
  name?: string;
  value?: string | undefined;
  problems: readonly string[];
}>;

function readStatement(statement: string, known: Variables): Statement {
  const [, name, sign, raw = ""] = assignment.exec(statement) ?? [];
  if (name === undefined) return { problems: ["is not `NAME=value`"] };
  return sign === undefined ? { name, problems: [] } : { name, ...readValue(raw, known) };
}

function readValue(
  raw: string,
  variables: Variables,
): { value: string; problems: readonly string[] } {
  const quote = raw.charAt(0);
  if (quote === "'") return { value: raw.slice(1, raw.lastIndexOf("'")), problems: [] };
  if (quote === '"') {
    const { text, problems } = interpolate(raw.slice(1, closingQuote(raw)), variables);
    const value = text.replace(
      /\\(.)/gs,
      (whole, escaped: string) => escapes[escaped] ?? (/["\\$]/.test(escaped) ? escaped : whole),
    );
    return { value, problems };
  }
  const { text, problems } = interpolate(raw.replace(/\s+#.*$/s, "").trim(), variables);
  return { value: raw.startsWith("#") ? "" : text, problems };
}

/** Splits into assignments: one a line, or more where a quote stays open. */
function* statements(text: string): Generator<{ statement: string; line: number }> {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    let statement = (lines[index] ?? "").trim();
    if (statement === "" || statement.startsWith("#")) continue;
    while (isOpen(statement) && index + 1 < lines.length) {
      index += 1;
      statement += `\n${lines[index] ?? ""}`;
    }
    yield { statement, line };
  }
}

function isOpen(statement: string): boolean {
  const value = assignment.exec(statement)?.[3] ?? "";
  if (value.startsWith("'")) return value.indexOf("'", 1) === -1;
  return value.startsWith('"') && closingQuote(value) === value.length;
}

/** The index of the double quote that closes the value; its length when there is none. */
function closingQuote(value: string): number {
  for (let index = 1; index < value.length; index += 1) {
    if (value[index] === "\\") index += 1;
    else if (value[index] === '"') return index;
  }
  return value.length;
}
