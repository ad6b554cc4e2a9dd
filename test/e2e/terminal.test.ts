import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  engine,
  inspectStack,
  readIn,
  type StackFolder,
  stackFolder,
  writeIn,
} from "../support/cli.ts";
import { keys, openTerminal, type Terminal } from "../support/terminal.ts";

const slow = 'SCENARIO_READY_AFTER_MS: "1500"';
const services = `  web:
    image: nexus-test/scenario:1
    port: 9000
    provides: [chat]
    environment: { SCENARIO_MODELS: web-1, ${slow} }
    volumes: ["data:/data"]
`;

let stack: StackFolder;
beforeAll(async () => {
  stack = await stackFolder(services);
});
afterAll(async () => stack[Symbol.asyncDispose]());

const hidesCursor = "\u001B[?25l";
const wipesLine = "\u001B[2K";
const showsCursor = "\u001B[?25h";

/** What is left on the screen when a live view has gone: the text after the last line that was wiped. */
function left(terminal: Terminal): string {
  return terminal.raw().slice(terminal.raw().lastIndexOf(wipesLine));
}

function widest(terminal: Terminal): number {
  return Math.max(
    ...terminal
      .text()
      .split(/[\n\r]/)
      .map((line) => line.length),
  );
}

test("`up` draws one line per service while it works, wipes them, and leaves the report and the cursor", async () => {
  await using terminal = openTerminal(stack, ["up"]);
  await terminal.shows(/gateway +\S.*\(\d/);
  await terminal.shows(/web +waiting until ready · .*503.* \(\d/);
  expect(await terminal.exitCode()).toBe(0);
  expect(terminal.raw()).toContain(hidesCursor);
  expect(left(terminal)).toContain("web");
  expect(left(terminal)).not.toContain("waiting");
  expect(terminal.raw()).toContain("\u001B[32m✔");
  expect(terminal.text()).toMatch(/2 services: 2 ready \(.*\)\nNext: .*\nAPI: http:\S+\n$/);
  expect(widest(terminal)).toBeLessThanOrEqual(80);
});

test("`status --watch` repaints in place and gives the terminal back at Ctrl-C", async () => {
  await using terminal = openTerminal(stack, ["status", "--watch"]);
  await terminal.shows(/everything is at its level/);
  const [, web] = await inspectStack(stack.name);
  await engine(`/containers/${web?.Id}/stop?t=1`, { method: "POST" });
  await terminal.shows(/1 of 2 at their level/);
  await engine(`/containers/${web?.Id}/start`, { method: "POST" });
  terminal.type(keys.ctrlC);
  expect(await terminal.exitCode()).toBe(0);
  expect(terminal.raw().endsWith(`${showsCursor}\r\n`)).toBe(true);
  expect(widest(terminal)).toBeLessThanOrEqual(80);
});

test("`status`, `plan`, `doctor` and a failing `up` fit into 80 columns, and no word is cut in two", async () => {
  await stack.must("up");
  await stack.write(
    services
      .replace(slow, 'SCENARIO_CRASH_AFTER_MS: "100"')
      .replace("provides: [chat]", "provides: [chat]\n    stall_timeout: 3s"),
  );
  for (const words of [["plan"], ["doctor"], ["up"], ["status"]]) {
    await using terminal = openTerminal(stack, words);
    await terminal.exitCode();
    expect(widest(terminal)).toBeLessThanOrEqual(80);
  }
  await stack.write(services);
  await stack.must("up");
});

test("what would lose data is asked about: no is the answer of Enter, and Ctrl-C at the question is 130", async () => {
  const before = await inspectStack(stack.name);
  const ids = () => inspectStack(stack.name).then((all) => all.map(({ Id }) => Id));
  for (const [typed, code] of [
    [keys.enter, 2],
    [keys.ctrlC, 130],
  ] as const) {
    await using terminal = openTerminal(stack, ["down", "--volumes"]);
    await terminal.shows(/destroys .*Go on\?/s);
    terminal.type(typed);
    expect(await terminal.exitCode()).toBe(code);
    expect(await ids()).toEqual(before.map(({ Id }) => Id));
  }
});

test("`keys rm` and `add service` ask, and do as they are told", async () => {
  await stack.must("keys", "add", "laptop");
  await using removal = openTerminal(stack, ["keys", "rm", "laptop"]);
  await removal.shows(/Remove the key laptop\?/);
  removal.type(`y${keys.enter}`);
  expect(await removal.exitCode()).toBe(0);
  expect((await stack.must("keys", "ls")).stdout).not.toContain("laptop");

  const add = ["add", "service", "example", "--no-up"];
  await using addition = openTerminal(stack, add);
  await addition.shows(/\+ +template: example/);
  await addition.shows(/Add example to the stack file\?/);
  addition.type(`n${keys.enter}`);
  expect(await addition.exitCode()).toBe(0);
  expect(await readIn(stack, "nexus.yaml")).not.toContain("example");
});

test("`chat` without a question is a conversation, which Ctrl-D ends", async () => {
  await using terminal = openTerminal(stack, ["chat"]);
  await terminal.shows(/Talking to web-1/);
  terminal.type(`hello${keys.enter}`);
  await terminal.shows(/scenario 1 /);
  terminal.type(keys.ctrlD);
  expect(await terminal.exitCode()).toBe(0);
});

test("`exec` gives the command the terminal, its size and its exit code", async () => {
  await using terminal = openTerminal(stack, ["exec", "web", "sh", "-c", "test -t 0 && exit 9"]);
  expect(await terminal.exitCode()).toBe(9);
});

test("the gateway's log is prose on a terminal and JSON in a pipe", async () => {
  await using terminal = openTerminal(stack, ["logs", "gateway"]);
  expect(await terminal.exitCode()).toBe(0);
  expect(terminal.text()).toMatch(/^gateway │ \d\d:\d\d:\d\d {2}upstream\.state {2}web.*→ ready/m);
  expect(terminal.text()).not.toContain('{"');
  expect((await stack.must("logs", "gateway")).stdout).toMatch(/^gateway │ \{"time"/);
});

test("`migrate` alone says what is there, and shows what would become of what is chosen", async () => {
  const directory = await mkdtemp(join(tmpdir(), "nexus-found-"));
  await writeIn({ directory }, "compose.yaml", "services: { web: { image: nexus-test/web:1 } }\n");
  await using terminal = openTerminal({ directory }, ["migrate"]);
  await terminal.shows(/Show what would become of one of them/);
  terminal.type(keys.enter);
  expect(await terminal.exitCode()).toBe(0);
  expect(terminal.text()).toContain(`--source ${directory} --dry-run`);
  expect(terminal.text()).toMatch(/image: nexus-test\/web:1/);
  expect(await readdir(directory)).toEqual(["compose.yaml"]);
  await rm(directory, { recursive: true });
});
