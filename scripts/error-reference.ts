/** The reference of failures, read from the classes themselves: their codes, exit codes, sentences and remedies. */
import { globSync, readFileSync } from "node:fs";

type Failure = Readonly<{ code: string; exit: string; meaning: string; remedy: string }>;

const head = `# Failures

Every failure that a user can mend has a code that stays the same, an exit code for its class, and a remedy that is printed with it.
\`--json\` prints all three. Written by \`npm run docs\` from the classes in \`src/\`; do not edit.

Exit codes: 0 all at their level · 1 a bug of ours (\`NEXUS_BUG\`) · 2 usage or stack file (\`NEXUS_USAGE\`) · 3 engine · 4 a service
is not ready · 5 locked · 6 conflict · 7 resources · 8 image · 130 interrupted.

| code | exit | what happened | what to do |
| --- | --- | --- | --- |
`;

const exits: Readonly<Record<string, number>> = {
  usage: 2,
  engine: 3,
  notReady: 4,
  locked: 5,
  conflict: 6,
  resources: 7,
  image: 8,
  interrupted: 130,
};

/** The text of docs/errors.md. */
export function errorReference(root: string): string {
  const failures = globSync("src/**/*.ts", { cwd: root })
    .flatMap((path) => failuresIn(readFileSync(`${root}${path}`, "utf8")))
    .toSorted((a, b) => a.code.localeCompare(b.code));
  const rows = failures.map(
    ({ code, exit, meaning, remedy }) => `| \`${code}\` | ${exit} | ${meaning} | ${remedy} |\n`,
  );
  return head + rows.join("");
}

/** Each class with a code, with the doc comment above it. */
function failuresIn(source: string): readonly Failure[] {
  return source.split(/^(?=\/\*\* (?:(?!\*\/)[\s\S])*\*\/\nexport class )/m).flatMap((part) => {
    const code = /readonly code = "(NEXUS_\w+)"/.exec(part)?.[1];
    if (code === undefined) return [];
    const [, meaning = ""] = /^\/\*\* ((?:(?!\*\/)[\s\S])*?) ?\*\//.exec(part) ?? [];
    const exit = /exitCode(?:: ExitCode)? = exitCodes\.(\w+)/.exec(part)?.[1];
    return [
      {
        code,
        exit: exit === undefined ? "by what happened" : String(exits[exit] ?? exit),
        meaning: cell(meaning.replaceAll(/\n \* ?/g, " ")),
        remedy: remedyIn(part),
      },
    ];
  });
}

/** A remedy that can be told beforehand; others depend on what happened, and are printed with it. */
function remedyIn(part: string): string {
  const text = /(?:readonly remedy(?:: string)?|this\.remedy) =\s+(["`])((?:\\.|(?!\1).)*)\1;/.exec(
    part,
  )?.[2];
  const named = text?.replaceAll(/\$\{(\w+)\}/g, "<$1>").replaceAll("\\`", "`");
  return named === undefined || named.includes("${") ? "Printed with it." : cell(named);
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll('\\"', '"').trim();
