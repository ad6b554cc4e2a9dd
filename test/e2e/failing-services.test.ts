import { afterAll, beforeAll, expect, test } from "vitest";
import type { StackStatus } from "../../src/apply/stack-status.ts";
import type { ChangeDocument } from "../../src/changing-command.ts";
import { inspectStack, type StackFolder, stackFolder } from "../support/cli.ts";

const scenario = (environment: string, more = "") =>
  `{ image: nexus-test/scenario:1, port: 9000, provides: [chat], environment: { ${environment} }${more} }`;

const services = `
  never: ${scenario("SCENARIO_READY_AFTER_MS: never", ", stall_timeout: 2s")}
  crash: ${scenario("SCENARIO_READY_AFTER_MS: never, SCENARIO_CRASH_AFTER_MS: 300, SCENARIO_CRASH_CODE: 3, SCENARIO_CRASH_MESSAGE: cannot find the weights")}
  hungry: ${scenario("SCENARIO_READY_AFTER_MS: never, SCENARIO_EAT_MEMORY_AFTER_MS: 1000", ", mem_limit: 64m")}
  deaf: ${scenario("SCENARIO_LISTEN: never", ", stall_timeout: 2s")}
  lost: ${scenario("", ", probe: { path: /healthy }, stall_timeout: 2s")}
  quits: ${scenario("SCENARIO_READY_AFTER_MS: never, SCENARIO_CRASH_AFTER_MS: 300, SCENARIO_CRASH_CODE: 0, SCENARIO_CRASH_MESSAGE: nothing to do")}
  ollama: { template: ollama, models: ["nosuchmodel:1b"] }
  waiting: ${scenario("", ", depends_on: [crash]")}
  later: ${scenario("", ", depends_on: [waiting]")}
  good: ${scenario("SCENARIO_MODELS: good-model")}
  example: { template: example }
`;

/** Per failing service: its cause, what its message and its remedy say, and a line of its log. */
const failing = {
  never: [{ kind: "still-loading" }, "GET /readyz answered 503", "stall_timeout", "listening"],
  crash: [{ kind: "crashed", exitCode: 3 }, "exit code 3", "nexus logs crash", "cannot find the"],
  hungry: [{ kind: "out-of-memory", limitBytes: 64 * 1024 ** 2 }, "64 MiB", "mem_limit", "listen"],
  deaf: [{ kind: "never-listened", port: 9000 }, "port 9000", "`port` of deaf", "starting"],
  lost: [{ kind: "not-ready", status: 404 }, "GET /healthy answered 404", "`probe:", "listening"],
  quits: [{ kind: "exited-early" }, "exit code 0", "`command` of quits", "nothing to do"],
  ollama: [
    { kind: "model-missing", models: ["nosuchmodel:1b"] },
    "nosuchmodel:1b",
    "nexus models pull nosuchmodel:1b",
    "Listening on",
  ],
  waiting: [{ kind: "blocked", by: "crash" }, "because crash", "Mend crash", ""],
  later: [{ kind: "blocked", by: "crash" }, "because crash", "Mend crash", ""],
} as const;
const names = Object.keys(failing) as (keyof typeof failing)[];

let stack: StackFolder;
let up: Readonly<{ exitCode: number; document: ChangeDocument }>;

beforeAll(async () => {
  stack = await stackFolder(services);
  up = await stack.json("up");
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("`up` exits 4; what can serve is ready, and nothing else claims to be", async () => {
  const running = (await inspectStack(stack.name)).filter(({ State }) => State.Running);
  expect(new Set(running.map(({ Config }) => Config.Labels["io.nexus.service"]))).toEqual(
    new Set(["gateway", "never", "deaf", "lost", "ollama", "good", "example"]),
  );

  expect(up.exitCode).toBe(4);
  expect(outcomes()).toMatchObject({ gateway: "ready", good: "ready", example: "ready" });
  expect(names.map((name) => outcomes()[name])).toEqual(
    names.map((name) => (failing[name][0].kind === "blocked" ? "blocked" : "failed")),
  );
});

test.each(names)("%s is named with its own cause, its last lines and a remedy", (name) => {
  const [cause, message, remedy, line] = failing[name];
  const failure = up.document.services.find(({ service }) => service === name)?.failure;

  expect(failure?.cause).toMatchObject(cause);
  expect(failure?.message).toContain(name);
  expect(failure?.message).toContain(message);
  expect(failure?.remedy).toContain(remedy);
  expect(failure?.logs.map(({ text }) => text).join("\n")).toContain(line);
});

test("those that are well serve through the gateway", async () => {
  for (const model of ["good-model", "echo-1"]) {
    const answer = await fetch(`${stack.api}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.key()}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] }),
    });
    expect([model, answer.status]).toEqual([model, 200]);
  }
});

test("`status` exits 4 with the same causes, and says them to people with the same remedies", async () => {
  const { exitCode, document } = await stack.json<StackStatus>("status");

  expect(exitCode).toBe(4);
  expect(document.ok).toBe(false);
  const wrong = document.services.filter(({ atLevel }) => !atLevel);
  expect(wrong.map(({ service }) => service)).toEqual(names);
  for (const { service, cause, sentence, remedy } of wrong) {
    const [expected, , advice] = failing[service as (typeof names)[number]];
    expect([service, cause]).toMatchObject([service, expected]);
    expect(sentence).toContain(service);
    expect(remedy).toContain(advice);
  }

  const shown = await stack.run("status");
  expect(shown.exitCode).toBe(4);
  for (const { sentence, remedy } of wrong) {
    expect(shown.stdout).toContain(sentence);
    expect(shown.stdout).toContain(remedy);
  }
  expect(shown.stdout).toContain("cannot find the weights");
});

test("what is mended comes up, and the next `up` exits 0", async () => {
  await stack.write(`
  never: ${scenario("")}
  crash: ${scenario("")}
  hungry: ${scenario("", ", mem_limit: 256m")}
  deaf: ${scenario("")}
  lost: ${scenario("", ", probe: { path: /health }")}
  quits: ${scenario("")}
  ollama: { template: ollama, models: ["llama3.2:1b"] }
  waiting: ${scenario("", ", depends_on: [crash]")}
  later: ${scenario("", ", depends_on: [waiting]")}
  good: ${scenario("SCENARIO_MODELS: good-model")}
  example: { template: example }
`);
  const { stderr } = await stack.must("up");

  expect((await inspectStack(stack.name)).filter(({ State }) => !State.Running)).toEqual([]);
  expect(stderr).toMatch(/✔ later +ready/);
  expect((await stack.json<StackStatus>("status")).exitCode).toBe(0);
});

function outcomes(): Readonly<Record<string, string>> {
  return Object.fromEntries(up.document.services.map(({ service, outcome }) => [service, outcome]));
}
