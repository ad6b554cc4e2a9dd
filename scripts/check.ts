/** Everything that needs no engine: what CI runs first and what you run before a commit. */
import { execa } from "execa";

const steps: readonly Readonly<{ name: string; command: readonly string[] }>[] = [
  { name: "build", command: ["node", "scripts/build.ts"] },
  {
    name: "format",
    command: ["oxfmt", "--check", "src", "test", "scripts", "bench", "bin", "templates"],
  },
  { name: "lint", command: ["oxlint", "src", "test", "scripts", "bench", "templates"] },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "types of tests and scripts", command: ["tsc", "-p", "test"] },
  {
    name: "boundaries",
    command: ["depcruise", "src", "--config", ".dependency-cruiser.js", "--output-type", "err"],
  },
  { name: "dead code", command: ["knip"] },
  { name: "generated files", command: ["node", "scripts/docs.ts", "--check"] },
  { name: "unit tests", command: ["vitest", "run", "--project", "unit"] },
];

/** `--static` leaves the tests to whoever runs them all anyway. */
const wanted = process.argv.includes("--static")
  ? steps.filter(({ name }) => name !== "unit tests")
  : steps;

let failed = false;
for (const { name, command } of wanted) {
  const [program = "", ...words] = command;
  const { exitCode, all } = await execa(program, words, {
    preferLocal: true,
    reject: false,
    all: true,
  });
  process.stdout.write(`${exitCode === 0 ? "ok  " : "FAIL"} ${name}\n`);
  if (exitCode === 0) continue;
  failed = true;
  process.stdout.write(`${all}\n`);
}
process.exitCode = failed ? 1 : 0;
