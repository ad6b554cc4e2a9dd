/** Puts what a schema complains about into the words of the stack file. Pure. */
import type { z } from "zod";
import { whyLeftOut } from "./left-out.ts";
import { nearest } from "./nearest.ts";
import type { Path, Problem } from "./problem.ts";
import { problemIn, type Source } from "./source.ts";

type Issue = z.core.$ZodIssue;

/** One problem for each complaint, at its place in the file. `keysAt` lists the keys that are valid at a path. */
export function schemaProblems(
  source: Source,
  at: Path,
  issues: readonly Issue[],
  keysAt: (path: Path) => readonly string[],
): readonly Problem[] {
  return issues
    .flatMap((issue) => explain(issue))
    .flatMap((issue) => {
      const path = [...at, ...pathOf(issue)];
      if (issue.code !== "unrecognized_keys") {
        const atKey = issue.code === "invalid_key";
        return [problemIn(source, path, messageOf(issue), { atKey })];
      }
      return issue.keys.map((key) => unknownKey(source, [...path, key], keysAt(path)));
    });
}

/** The problem of a key that is not one, with the one that was meant or the reason why it is not there. */
export function unknownKey(source: Source, path: Path, keys: readonly string[]): Problem {
  const key = String(path.at(-1));
  const place =
    path.length === 1 ? "top" : path.length === 3 && path[0] === "services" ? "service" : undefined;
  const reason = place && whyLeftOut(key, place);
  if (reason !== undefined)
    return problemIn(source, path, `\`${key}\` ${reason}.`, { atKey: true });
  const suggestion = nearest(key, keys);
  const choice =
    suggestion === undefined && keys.length > 0 && keys.length <= 10
      ? ` Valid keys: ${keys.join(", ")}.`
      : "";
  return problemIn(source, path, `there is no key \`${key}\`.${choice}`, {
    suggestion,
    atKey: true,
  });
}

/** A value that fits no form is explained by the form it comes nearest to. */
function explain(issue: Issue): readonly Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const inside = issue.errors
    .map((errors) => errors.flatMap(explain))
    .filter((errors) => !errors.some(isWrongKind))
    .toSorted((left, right) => left.length - right.length)[0];
  if (!inside || inside.length === 0) return [{ ...issue, message: formsOf(issue) }];
  return inside.map((nested) => ({ ...nested, path: [...issue.path, ...nested.path] }));
}

function isWrongKind({ code, path }: Issue): boolean {
  return (
    path.length === 0 &&
    (code === "invalid_type" || code === "invalid_value" || code === "invalid_union")
  );
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  object: "a map",
  record: "a map",
  array: "a list",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  null: "nothing",
};

function formsOf(issue: Extract<Issue, { code: "invalid_union" }>): string {
  if (issue.message !== "Invalid input") return issue.message;
  const empty = issue.input === null ? "is empty: it " : "";
  const forms = issue.errors.flatMap((errors) =>
    errors.filter(({ path }) => path.length === 0).flatMap(formOf),
  );
  return `${empty}must be ${[...new Set(forms)].join(" or ")}`;
}

function formOf(issue: Issue): readonly string[] {
  if (issue.code === "invalid_type") return [kinds[issue.expected] ?? issue.expected];
  if (issue.code === "invalid_value") return issue.values.map(String);
  return issue.code === "invalid_union"
    ? issue.errors.flatMap((errors) => errors.flatMap(formOf))
    : [];
}

function messageOf(issue: Issue): string {
  if (issue.code === "invalid_type") return typeMessage(issue);
  if (issue.code === "invalid_value")
    return `must be ${listed(issue.values.map(String))}${near(issue)}`;
  if (issue.code === "too_small" || issue.code === "too_big") return rangeMessage(issue);
  if (issue.code === "invalid_key") return nameMessage(issue);
  return issue.message;
}

function nameMessage({ issues }: Extract<Issue, { code: "invalid_key" }>): string {
  const own = issues[0]?.message ?? "Invalid";
  return own.startsWith("Invalid")
    ? "is no valid name: use lower-case letters, digits, - and _"
    : own;
}

function typeMessage(issue: Extract<Issue, { code: "invalid_type" }>): string {
  if (!issue.message.startsWith("Invalid input")) return issue.message;
  const kind = kinds[issue.expected] ?? issue.expected;
  if (issue.input === null) return `is empty: it must be ${kind}`;
  if (issue.input === undefined) return `is missing: it must be ${kind}`;
  return issue.expected === "string" && typeof issue.input === "number"
    ? "must be text: put it in quotes"
    : `must be ${kind}`;
}

function rangeMessage(issue: Extract<Issue, { code: "too_small" | "too_big" }>): string {
  if (!issue.message.startsWith("Too ")) return issue.message;
  const [word, bound] =
    issue.code === "too_small" ? ["at least", issue.minimum] : ["at most", issue.maximum];
  if (issue.origin === "array")
    return `must have ${word} ${bound} ${bound === 1 ? "entry" : "entries"}`;
  return issue.code === "too_small" && !issue.inclusive
    ? `must be above ${bound}`
    : `must be ${word} ${bound}`;
}

function near({ input, values }: Extract<Issue, { code: "invalid_value" }>): string {
  const meant = typeof input === "string" ? nearest(input, values.map(String)) : undefined;
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** Names of a record that are not allowed point at the name itself. */
function pathOf(issue: Issue): Path {
  return issue.path.map((step) => (typeof step === "number" ? step : String(step)));
}
