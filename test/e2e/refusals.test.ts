import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChangeDocument } from "../../src/changing-command.ts";
import { closedRegistry, openRegistry } from "../bed/bed.ts";
import { containersOf, type StackFolder, stackFolder, writeIn } from "../support/cli.ts";

/** Per service: how it is written, then code, exit class, and what message and remedy say. */
const refused = {
  untagged: [
    `image: ${openRegistry}/nexus-test/pause:missing`,
    ["NEXUS_IMAGE_NOT_FOUND", 8, `${openRegistry}/nexus-test/pause:missing`, "tag"],
  ],
  unreachable: [
    "image: registry.invalid/nexus/pause:1",
    ["NEXUS_REGISTRY_UNREACHABLE", 8, "cannot reach registry.invalid", "docker load"],
  ],
  private: [
    `image: ${closedRegistry}/private/pause:9`,
    ["NEXUS_REGISTRY_LOGIN", 8, closedRegistry, `docker login ${closedRegistry}`],
  ],
  foreign: [
    `image: ${openRegistry}/nexus-test/foreign:1`,
    ["NEXUS_IMAGE_PLATFORM", 8, `${openRegistry}/nexus-test/foreign:1`, "platform"],
  ],
  labelled: [
    "image: nexus-test/foreign-label:1",
    ["NEXUS_IMAGE_PLATFORM", 8, "nexus-test/foreign-label:1 is for linux/", "platform"],
  ],
  command: [
    "image: nexus-test/pause:1, entrypoint: [/nope], init: false",
    ["NEXUS_COMMAND_NOT_FOUND", 4, "/nope", "`command:` or `entrypoint:`"],
  ],
  user: [
    "image: nexus-test/pause:1, user: nosuch",
    ["NEXUS_USER_MISSING", 4, "nosuch", "numeric `user:`"],
  ],
  bind: [
    "image: nexus-test/pause:1, volumes: ['./nowhere:/data']",
    ["NEXUS_BIND_SOURCE_MISSING", 4, "nowhere", "`volumes:`"],
  ],
  build: [
    "build: ./broken",
    ["NEXUS_BUILD_FAILED", 8, "no such command in the build", "Dockerfile"],
  ],
  device: [
    "image: nexus-test/pause:1, devices: [/dev/nosuch]",
    ["NEXUS_DEVICE_MISSING", 7, "/dev/nosuch", "ls -l /dev"],
  ],
  cores: ["image: nexus-test/pause:1, cpus: 999", ["NEXUS_LIMIT_REFUSED", 7, "CPUs", "cpus"]],
} as const;
const names = Object.keys(refused) as (keyof typeof refused)[];

/** Those that are started and fail at once: their cause is a crash, and what it means. */
const crashing = {
  processor: [
    "image: nexus-test/exec-format:1, init: false",
    ["its image is built for another processor", "`build:`"],
  ],
  missing: [
    "image: nexus-test/pause:1, entrypoint: [/nope]",
    ["its command was not found", "`command` or `entrypoint`"],
  ],
} as const;
const crashingNames = Object.keys(crashing) as (keyof typeof crashing)[];

let stack: StackFolder;
let up: Readonly<{ exitCode: number; document: ChangeDocument }>;

beforeAll(async () => {
  const services = Object.entries({ ...refused, ...crashing }).map(
    ([name, [written]]) => `  ${name}: { ${written} }\n`,
  );
  stack = await stackFolder(`${services.join("")}  good: { image: "nexus-test/pause:1" }\n`);
  const line = "echo no such command in the build >&2; exit 7";
  await writeIn(stack, "broken/Dockerfile", `FROM nexus-test/pause:1\nRUN ${line}\n`);
  up = await stack.json("up");
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("`up` exits 4 for a mixture of failures, and what can run runs", async () => {
  expect((await containersOf(stack.name, "good")).map(({ State }) => State.Running)).toEqual([
    true,
  ]);
  expect(up.exitCode).toBe(4);
  expect(up.document.services.find(({ service }) => service === "good")?.outcome).toBe("ready");
});

test.each(names)(
  "%s: refused with its own code, told with what is wrong and how to mend it",
  (name) => {
    const [, [code, exit, message, remedy]] = refused[name];
    const outcome = up.document.services.find(({ service }) => service === name);

    expect(outcome).toMatchObject({
      outcome: "failed",
      failure: {
        cause: { kind: "engine", code, exit },
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      },
    });
  },
);

test.each(crashingNames)("%s: crashes, and its words say why", (name) => {
  const [, [message, remedy]] = crashing[name];
  const outcome = up.document.services.find(({ service }) => service === name);

  expect(outcome).toMatchObject({
    outcome: "failed",
    failure: {
      cause: { kind: "crashed" },
      message: expect.stringContaining(message),
      remedy: expect.stringContaining(remedy),
    },
  });
});

test("what a build prints is shown without colours and control characters", () => {
  const outcome = up.document.services.find(({ service }) => service === "build");

  expect(outcome?.failure?.message).not.toContain("\u001B");
});

test("refused again the second time: an image for another processor is never run by accident", async () => {
  const { exitCode, document } = await stack.json<ChangeDocument>("up");

  expect(exitCode).toBe(4);
  expect(await containersOf(stack.name, "labelled")).toEqual([]);
  expect(document.services.filter(({ outcome }) => outcome === "failed")).toHaveLength(
    names.length + crashingNames.length,
  );
});

test("failures of one class keep its exit code, and what is mended comes up", async () => {
  const good = '  good: { image: "nexus-test/pause:1" }\n';
  await stack.write(`  untagged: { ${refused.untagged[0]} }\n${good}`);
  const { exitCode, stderr } = await stack.run("up");

  expect(stderr).toContain("✘ untagged");
  expect(exitCode).toBe(8);

  await stack.write(`  untagged: { image: "nexus-test/pause:1" }\n${good}`);
  await stack.must("up");
  expect(await containersOf(stack.name, "untagged")).toHaveLength(1);
  expect(await containersOf(stack.name, "labelled")).toEqual([]);
});
