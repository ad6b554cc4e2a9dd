import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { copiedTrees, liveTree } from "../../../src/migrate/source/local.ts";

let bin = "";
const path = process.env["PATH"];

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), "nexus-bin-"));
  process.env["PATH"] = `${bin}:${path}`;
});

afterEach(async () => {
  process.env["PATH"] = path;
  await rm(bin, { recursive: true, force: true });
});

/** A program that keeps one service's state in a file, and a record of what it was asked. */
async function install(name: string, script: string): Promise<void> {
  const record = `echo "${name} $*" >> ${join(bin, "record")}; state=${join(bin, "state")};`;
  await writeFile(join(bin, name), `#!/bin/sh\n${record}\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

const asked = async () => (await readFile(join(bin, "record"), "utf8")).trim().split("\n");

const systemctl = `
case $1 in
  is-active) cat $state; test "$(cat $state)" = active || exit 3 ;;
  stop) echo inactive > $state ;;
  start) echo active > $state ;;
esac`;

/** As launchctl answers: the job of a bootout ends a moment later. */
const launchctl = `
case $1 in
  print) test "$(cat $state)" = gone && exit 113
    test "$(cat $state)" = ending && echo gone > $state
    printf 'system/com.ai.gateway = {\\n\\tstate = running\\n}\\n' ;;
  bootout) echo ending > $state ;;
  bootstrap) echo running > $state ;;
esac`;

const unit = { manager: "systemd", name: "ollama.service" } as const;
const job = { manager: "launchd", name: "com.ai.gateway" } as const;

it("a systemd service is asked, stopped once and started again", async () => {
  await install("systemctl", systemctl);
  await writeFile(join(bin, "state"), "active\n");
  const tree = liveTree();
  expect(await tree.running(unit)).toBe(true);
  await tree.switch(unit, "stopped");
  await tree.switch(unit, "stopped");
  expect(await tree.running(unit)).toBe(false);
  await tree.switch(unit, "started");
  expect((await asked()).filter((line) => !line.includes("is-active"))).toEqual([
    "systemctl stop ollama.service",
    "systemctl start ollama.service",
  ]);
});

it("a launchd job is booted out, waited for, and bootstrapped from its own file again", async () => {
  await install("launchctl", launchctl);
  await writeFile(join(bin, "state"), "running\n");
  const tree = liveTree();
  await tree.switch(job, "stopped");
  expect(await tree.running(job)).toBe(false);
  await tree.switch(job, "started");
  expect(await tree.running(job)).toBe(true);
  expect((await asked()).filter((line) => !line.includes("print"))).toEqual([
    "launchctl bootout system/com.ai.gateway",
    "launchctl bootstrap system /Library/LaunchDaemons/com.ai.gateway.plist",
  ]);
});

it("where nobody can be asked it is not known whether a service runs, and it is not stopped", async () => {
  const folder = join(bin, "host/etc");
  await install("systemctl", "echo 'System has not been booted with systemd' >&2; exit 1");
  const live = liveTree();
  expect(await live.running(unit)).toBeUndefined();
  expect(await live.running({ manager: "container", name: "nexus-ollama" })).toBeUndefined();
  await mkdir(folder, { recursive: true });
  const [copied] = await copiedTrees(join(bin, "host"));
  expect(await copied?.running(unit)).toBeUndefined();
  await expect(copied?.switch(unit, "stopped")).rejects.toMatchObject({
    code: "NEXUS_LEGACY_SERVICE",
    message:
      "ollama.service of host could not be stopped: nobody can be asked to, for this is not that host.",
  });
});

it("a service that does not stop is told in systemd's words, with what to do", async () => {
  await install(
    "systemctl",
    "test $1 = is-active && echo active && exit 0; echo 'Access denied' >&2; exit 4",
  );
  await expect(liveTree().switch(unit, "stopped")).rejects.toMatchObject({
    message: expect.stringMatching(/could not be stopped: Access denied\.$/),
    remedy: expect.stringContaining("Stop ollama.service on"),
  });
});
