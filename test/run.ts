/** `npm test`: builds what is outdated, brings the bed up, runs every test in it, and ends with the count. */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "./bed/places.ts";
import { runInBed } from "./bed/with.ts";
import { brokenFiles, countFiles, countTests, type FileCount, verdict } from "./count.ts";

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

type Run = Readonly<{ exitCode: number; files: readonly FileCount[] }>;

async function runTests(words: readonly string[]): Promise<number> {
  const first = await runOnce(words);
  const broken = brokenFiles(first.files);
  const second = deservesAnother(broken) ? await runAgain(broken) : undefined;
  const { text, passed } = verdict(countTests(first.files, second?.files), {
    exitCode: (second ?? first).exitCode,
    selected: words.length > 0,
  });
  process.stdout.write(`\n${text}\n`);
  return passed ? 0 : 1;
}

/** A shared machine can stall for seconds: there, a few files get a second run, by themselves. People see every failure. */
function deservesAnother(broken: readonly string[]): boolean {
  return Boolean(process.env["CI"]) && broken.length > 0 && broken.length <= 4;
}

function runAgain(files: readonly string[]): Promise<Run> {
  process.stdout.write(`\nRun once more, because they failed: ${files.join(", ")}\n`);
  return runOnce(files);
}

async function runOnce(words: readonly string[]): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "nexus-tests-"));
  const file = join(folder, "results.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const exitCode = await runInBed(["vitest", "run", ...reporters, ...words]);
    return { exitCode, files: countFiles(readFileSync(file, "utf8")) };
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
