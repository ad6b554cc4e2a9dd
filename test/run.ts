/** `npm test`: builds what is outdated, brings the bed up, runs every test in it, and ends with the count. */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "./bed/places.ts";
import { runInBed } from "./bed/with.ts";
import { countTests, verdict } from "./count.ts";

const builtLast = "oclif.manifest.json";
const builtFrom = ["src/**/*.ts", "scripts/build*.ts", "package-lock.json"];

/** Builds when a source is newer than the last file that a build writes. */
function buildWhenOutdated(): void {
  const newest = Math.max(...globSync(builtFrom, { cwd: repository }).map(changedAt));
  if (changedAt(builtLast) >= newest && changedAt("dist/start.cjs") > 0) return;
  const script = join(repository, "scripts/build.ts");
  const built = spawnSync(process.execPath, [script], { cwd: repository, stdio: "inherit" });
  if (built.status !== 0) throw new Error("The build failed; the tests were not run.");
}

function changedAt(file: string): number {
  return statSync(join(repository, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function runTests(words: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "nexus-tests-"));
  const file = join(folder, "results.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const exitCode = await runInBed(["vitest", "run", ...reporters, ...words]);
    const { text, passed } = verdict(countTests(readFileSync(file, "utf8")), {
      exitCode,
      selected: words.length > 0,
    });
    process.stdout.write(`\n${text}\n`);
    return passed ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.chdir(repository);
  buildWhenOutdated();
  process.exitCode = await runTests(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
