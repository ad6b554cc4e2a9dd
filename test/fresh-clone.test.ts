import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { nexusBin } from "./support/cli.ts";

const building = `
  import { mkdirSync, writeFileSync } from "node:fs";
  console.log("built");
  mkdirSync("dist");
  writeFileSync("dist/start.cjs", "exports.main = async () => console.log('runs');");
`;

/** A clone whose build is this script. */
async function cloneWith(script: string): Promise<string> {
  const clone = await mkdtemp(join(tmpdir(), "nexus-clone-"));
  await Promise.all(["bin", "scripts"].map((folder) => mkdir(join(clone, folder))));
  await copyFile(nexusBin, join(clone, "bin/run.js"));
  await writeFile(join(clone, "package.json"), '{"type": "module"}');
  await writeFile(join(clone, "scripts/build.ts"), script);
  return clone;
}

const run = (clone: string) =>
  execa({ cwd: clone, reject: false })(process.execPath, ["bin/run.js", "catalog"]);

test("a clone that was never built builds itself at the first command, and only then", async () => {
  const clone = await cloneWith(building);
  try {
    const first = await run(clone);
    expect(first).toMatchObject({ exitCode: 0, stdout: "runs" });
    expect(first.stderr).toContain("built");
    expect(await run(clone)).toMatchObject({ exitCode: 0, stdout: "runs", stderr: "" });
  } finally {
    await rm(clone, { recursive: true });
  }
});

test("a clone that cannot be built says what to run", async () => {
  const clone = await cloneWith("process.exit(3);");
  try {
    const { exitCode, stderr } = await run(clone);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("`npm ci`");
  } finally {
    await rm(clone, { recursive: true });
  }
});
