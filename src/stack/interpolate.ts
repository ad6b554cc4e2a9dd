/** Variables in stack files, with Compose's rules. Pure. */

/** A variable's value and where it came from. */
export type Variable = Readonly<{ value: string; from: string }>;

/** Variables by name. */
export type Variables = ReadonlyMap<string, Variable>;

/** A text with its variables filled in: the names used, the names that were unset, and what made it impossible. */
export type Interpolated = Readonly<{
  text: string;
  used: readonly string[];
  unset: readonly string[];
  problems: readonly string[];
}>;

type Notes = { used: Set<string>; unset: Set<string>; problems: string[] };

const name = /[A-Za-z_][A-Za-z0-9_]*/y;

/** Fills in `$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR-default}`, `${VAR:?message}`, `${VAR:+other}` and `$$`; never puts a value into a problem. */
export function interpolate(text: string, variables: Variables): Interpolated {
  const notes: Notes = { used: new Set(), unset: new Set(), problems: [] };
  const filled = fill(text, variables, notes);
  return { text: filled, used: [...notes.used], unset: [...notes.unset], problems: notes.problems };
}

function fill(text: string, variables: Variables, notes: Notes): string {
  let out = "";
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar === -1) return out + text.slice(at);
    out += text.slice(at, dollar);
    const [value, next] = fillOne(text, dollar + 1, variables, notes);
    out += value;
    at = next;
  }
  return out;
}

/** Reads what follows a dollar; resolves with its value and the index behind it. */
function fillOne(text: string, at: number, variables: Variables, notes: Notes): [string, number] {
  if (text[at] === "$") return ["$", at + 1];
  if (text[at] === "{") return fillBraces(text, at + 1, variables, notes);
  const variable = nameAt(text, at);
  if (variable === undefined) {
    notes.problems.push("a single `$` must be written `$$`, or name a variable as in `${VAR}`");
    return ["$", at];
  }
  return [plain(variable, variables, notes), at + variable.length];
}

function fillBraces(
  text: string,
  at: number,
  variables: Variables,
  notes: Notes,
): [string, number] {
  const end = closingBrace(text, at);
  if (end === undefined) {
    notes.problems.push("`${` is never closed: add `}`");
    return ["", text.length];
  }
  const variable = nameAt(text, at);
  const rest = variable === undefined ? "" : text.slice(at + variable.length, end);
  const operator = /^(:?[-?+])/.exec(rest)?.[0];
  if (variable === undefined || (rest !== "" && operator === undefined)) {
    notes.problems.push(
      "`${…}` must hold a variable's name, or one with `:-`, `-`, `:?`, `?`, `:+` or `+`",
    );
    return ["", end + 1];
  }
  if (operator === undefined) return [plain(variable, variables, notes), end + 1];
  const word = rest.slice(operator.length);
  return [operate({ variable, operator, word }, variables, notes), end + 1];
}

function operate(
  { variable, operator, word }: Readonly<{ variable: string; operator: string; word: string }>,
  variables: Variables,
  notes: Notes,
): string {
  const value = valueOf(variable, variables, operator.startsWith(":"));
  const kind = operator.at(-1);
  if (value !== undefined) {
    notes.used.add(variable);
    return kind === "+" ? fill(word, variables, notes) : value;
  }
  if (kind === "-") return fill(word, variables, notes);
  if (kind === "+") return "";
  const reason = word === "" ? ", which is not set" : `: ${word}`;
  notes.problems.push(`needs the variable ${variable}${reason}`);
  return "";
}

/** Undefined when it is not set; with a colon, an empty value counts as not set. */
function valueOf(
  variable: string,
  variables: Variables,
  emptyIsUnset: boolean,
): string | undefined {
  const value = variables.get(variable)?.value;
  return emptyIsUnset && value === "" ? undefined : value;
}

function plain(variable: string, variables: Variables, notes: Notes): string {
  const found = variables.get(variable);
  (found ? notes.used : notes.unset).add(variable);
  return found?.value ?? "";
}

function nameAt(text: string, at: number): string | undefined {
  name.lastIndex = at;
  return name.exec(text)?.[0];
}

/** The index of the brace that closes the one before `at`, skipping nested ones. */
function closingBrace(text: string, at: number): number | undefined {
  let depth = 1;
  for (let index = at; index < text.length; index += 1) {
    if (text.startsWith("$$", index)) index += 1;
    else if (text.startsWith("${", index)) depth += 1;
    else if (text[index] === "}") depth -= 1;
    if (depth === 0) return index;
  }
  return undefined;
}
