import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const directory = join(import.meta.dirname, "../../templates/example");

test("the program starts, says so, and ends with 0 when it is told to stop", async () => {
  const environment = { ...process.env, PORT: "0" };
  const service = spawn(process.execPath, ["server.ts"], { cwd: directory, env: environment });
  const output: string[] = [];
  service.stdout.on("data", (data: Buffer) => {
    output.push(String(data));
    if (output.at(-1)?.includes("ready\n")) service.kill("SIGTERM");
  });
  expect(await once(service, "exit")).toEqual([0, null]);
  expect(output.join("")).toContain("stopping\n");
});

test("it can be stopped while it still loads", async () => {
  const environment = { ...process.env, PORT: "0", WARM_UP_MS: "1000000" };
  const service = spawn(process.execPath, ["server.ts"], { cwd: directory, env: environment });
  await once(service.stdout, "data");
  service.kill("SIGTERM");
  expect(await once(service, "exit")).toEqual([0, null]);
});

test("its own test passes as a user runs it", async () => {
  const tests = spawn(process.execPath, ["--test"], { cwd: directory });
  expect(await once(tests, "exit")).toEqual([0, null]);
});

test("the image needs no shell, and no file is too long to read", async () => {
  const dockerfile = await readFile(join(directory, "Dockerfile"), "utf8");
  expect(dockerfile).not.toMatch(/^RUN /m);
  expect(dockerfile).toMatch(/^ARG NEXUS_NODE_BASE=.*\nFROM \$\{NEXUS_NODE_BASE\}$/m);
  for (const file of await readdir(directory)) {
    if (!file.endsWith(".ts")) continue;
    const text = await readFile(join(directory, file), "utf8");
    expect([file, text.split("\n").length <= 250]).toEqual([file, true]);
    expect([file, text.match(/from "(?!node:|\.\/)/)]).toEqual([file, null]);
  }
});
