import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  containersOf,
  engine,
  inspectStack,
  readIn,
  type StackFolder,
  stackFolder,
  until,
} from "../support/cli.ts";

const services = `  # Answers chats.
  web:
    image: nexus-test/scenario:1
    port: 9000
    provides: [chat]
    environment: { SCENARIO_MODELS: web-1 }
  # Keeps data.
  side:
    image: nexus-test/scenario:1
    port: 9000
    provides: [chat]
    environment: { SCENARIO_MODELS: side-1, SCENARIO_LOG_EVERY_MS: "100" }
    volumes: ["data:/data"]
`;

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder(services);
  await stack.must("up");
});
afterAll(async () => stack[Symbol.asyncDispose]());

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const documents = (text: string) => lines(text).map((line) => JSON.parse(line) as object);

/** Asks a model through the gateway; resolves with the status. */
async function ask(key: string, model: string): Promise<number> {
  const answer = await fetch(`${stack.api}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

describe("logs", () => {
  test("show every service's lines with whose they are, or those asked for", async () => {
    const { stdout } = await stack.must("logs");
    expect(stdout).toMatch(/^web {5}│ scenario 1 listening on 9000$/m);
    expect(stdout).toMatch(/^gateway │ \{.*"event":"gateway\.listening"/m);

    const two = await stack.must("logs", "web", "side", "--tail", "2", "--no-prefix");
    expect(lines(two.stdout)).toHaveLength(4);
    const none = await stack.must("logs", "web", "--until", "1d");
    expect(none.stdout).toBe("");
    const recent = await stack.must("logs", "side", "--since", "2s", "-t");
    expect(lines(recent.stdout)[0]).toMatch(/^side │ \d{4}-\d\d-\d\dT[\d:.]+Z \S/);
    expect(lines(recent.stdout).length).toBeLessThan(60);
  });

  test("with --json every line is a document of its own", async () => {
    const { stdout } = await stack.must("logs", "web", "--json");
    expect(documents(stdout)).toContainEqual({
      service: "web",
      container: `${stack.name}-web-1`,
      stream: "stdout",
      timestamp: expect.stringMatching(/^\d{4}-/),
      text: "scenario 1 listening on 9000",
    });
  });

  test("followed, they go on through a restart, and Ctrl-C ends them quietly", async () => {
    const follow = stack.start(["logs", "-f", "web", "--tail", "0"]);
    let seen = "";
    follow.stdout.on("data", (chunk) => (seen += String(chunk)));
    await stack.must("restart", "web");
    await until("the line of the restarted program", async () =>
      seen.includes("web │ scenario 1 listening"),
    );
    follow.kill("SIGINT");
    expect(await follow).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describe("status --watch", () => {
  test("on a pipe prints every change and nothing twice, and Ctrl-C ends it quietly", async () => {
    const watch = stack.start(["status", "--watch", "--json"]);
    const seen: { services: readonly { service: string; state: string }[] }[] = [];
    watch.stdout.on("data", (chunk) => {
      seen.push(...(documents(String(chunk)) as typeof seen));
    });
    const stateOf = (service: string) =>
      seen.at(-1)?.services.find((each) => each.service === service)?.state;
    await until("a first look", async () => stateOf("side") === "ready");
    const [side] = await containersOf(stack.name, "side");
    await engine(`/containers/${side?.Id}/stop?t=1`, { method: "POST" });
    await until("the stop to be seen", async () => stateOf("side") === "exited");
    await engine(`/containers/${side?.Id}/start`, { method: "POST" });
    await until("it to be ready again", async () => stateOf("side") === "ready");
    watch.kill("SIGINT");
    expect(await watch).toMatchObject({ exitCode: 0, stderr: "" });
    const told = seen.map(({ services: all }) => JSON.stringify(all.map(({ state }) => state)));
    expect(told.filter((each, at) => each === told[at - 1]).length).toBeLessThan(4);
  });
});

describe("keys", () => {
  test("a new one works at once and where it may; rotated, the old one is refused; removed, it is gone", async () => {
    const { stdout: made, stderr } = await stack.must("keys", "add", "laptop");
    expect(made).toMatch(/^nx_\S+$/);
    expect(stderr).toContain("only time");
    expect(await ask(made, "web-1")).toBe(200);

    const { stdout: rotated } = await stack.must("keys", "rotate", "laptop");
    expect([await ask(made, "web-1"), await ask(rotated, "web-1")]).toEqual([401, 200]);

    const listed = await stack.must("keys", "ls");
    expect(listed.stdout).toMatch(/^laptop +nx_\S+… +inference +all +\d+ s ago +\d+ s +never$/m);
    expect(listed.stdout).not.toContain(rotated);

    const refused = await stack.run("keys", "rm", "laptop");
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(await ask(rotated, "web-1")).toBe(200);
    await stack.must("keys", "rm", "laptop", "--yes");
    expect(await ask(rotated, "web-1")).toBe(401);
  });

  test("one that is for one model is refused elsewhere", async () => {
    const { document } = await stack.json<{ key: string }>(
      "keys",
      "add",
      "narrow",
      "--model",
      "web-1",
      "--expires",
      "30d",
      "--save",
    );
    expect(await ask(document.key, "web-1")).toBe(200);
    expect(await ask(document.key, "side-1")).toBe(403);
    expect(await readIn(stack, ".nexus/secrets/narrow.key")).toContain(document.key);
    const { stdout } = await stack.must("chat", "--key-file", ".nexus/secrets/narrow.key", "hi");
    expect(stdout).toContain("scenario 1");
  });
});

describe("exec", () => {
  test("passes on stdin, output, environment, user, folder and exit code", async () => {
    const script = 'cat; echo "$GREETING $(pwd)"; echo bad >&2; exit 7';
    const ran = await stack.start(
      ["exec", "-e", "GREETING=hello", "-w", "/tmp", "web", "sh", "-c", script],
      { input: "from stdin\n" },
    );
    const { exitCode, stdout, stderr } = ran;
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 7,
      stdout: "from stdin\nhello /tmp",
      stderr: "bad",
    });
    const { document } = await stack.json("exec", "--json", "--user", "65534", "web", "id", "-u");
    expect(document).toMatchObject({ exitCode: 0, stdout: "65534\n", service: "web" });
  });
});

describe("restart", () => {
  test("the same container is started anew and waited for; the others go on", async () => {
    const before = await inspectStack(stack.name);
    await stack.must("restart", "side");
    const after = await inspectStack(stack.name);
    expect(after.map(({ Id }) => Id)).toEqual(before.map(({ Id }) => Id));
    const changed = after.filter(
      ({ Id, State }) => before.find((each) => each.Id === Id)?.State.StartedAt !== State.StartedAt,
    );
    expect(changed.map(({ Name }) => Name)).toEqual([`/${stack.name}-side-1`]);
    expect((await stack.run("status")).exitCode).toBe(0);
  });
});

describe("editing the stack file", () => {
  test("`add service` shows the change and writes it only on wish; comments and order stay", async () => {
    const before = await readIn(stack, "nexus.yaml");
    const add = ["add", "service", "example", "--name", "third"];
    const shown = await stack.must(...add, "--dry-run");
    expect(shown.stdout).toMatch(/^\+ +third:$/m);
    const refused = await stack.run(...add);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain("--yes");
    expect(await readIn(stack, "nexus.yaml")).toBe(before);

    await stack.must(...add, "--yes", "--no-up");
    const after = await readIn(stack, "nexus.yaml");
    expect(after.startsWith(before)).toBe(true);
    expect(after).toContain("template: example");
    expect(await containersOf(stack.name, "third")).toEqual([]);
  });

  test("`remove service --up` takes it out of file and engine, and keeps its volume", async () => {
    await stack.must("remove", "service", "third", "--yes", "--no-up");
    expect(await readIn(stack, "nexus.yaml")).not.toContain("third");

    await stack.must("remove", "service", "side", "--yes", "--up");
    expect(await readIn(stack, "nexus.yaml")).toContain("# Answers chats.");
    expect(await readIn(stack, "nexus.yaml")).not.toContain("side");
    expect(await containersOf(stack.name, "side")).toEqual([]);
    expect(await volumes()).toContain(`${stack.name}_data`);
  });
});

describe("one change at a time", () => {
  test("while one command changes the stack the next is refused, and `unlock` takes nothing from it unasked", async () => {
    await stack.write(
      services.replace("SCENARIO_MODELS: web-1", 'SCENARIO_READY_AFTER_MS: "never"'),
    );
    const up = stack.start(["up"]);
    await until("the lock to be held", async () =>
      (await volumes()).includes(`nexus-lock-${stack.name}`),
    );
    const second = await stack.json("up");
    const doctor = await stack.run("doctor");
    const unlock = await stack.json("unlock");
    expect(await volumes()).toContain(`nexus-lock-${stack.name}`);
    up.kill("SIGINT");
    expect((await up).exitCode).toBe(130);
    expect(second).toMatchObject({
      exitCode: 5,
      document: { error: { code: "NEXUS_STACK_LOCKED" } },
    });
    expect(unlock).toMatchObject({
      exitCode: 2,
      document: { error: { code: "NEXUS_PROMPT_NEEDS_TERMINAL" } },
    });
    expect(doctor.stdout).toMatch(/lock +.*nexus up/);
    const { stdout } = await stack.must("unlock");
    expect(stdout).toBe(`Nobody holds a lock on ${stack.name}.`);
    await stack.write(services);
    await stack.must("up");
  });
});

describe("down", () => {
  test("--volumes refuses without consent and without a terminal: exit 2, and nothing is lost", async () => {
    const before = await inspectStack(stack.name);
    const { exitCode, document } = await stack.json("down", "--volumes");
    expect({ exitCode, document }).toMatchObject({ exitCode: 2, document: { error: { exit: 2 } } });
    expect((await inspectStack(stack.name)).map(({ Id }) => Id)).toEqual(
      before.map(({ Id }) => Id),
    );
    expect((await stack.run("status")).exitCode).toBe(0);
  });

  test("takes everything down but the data; --volumes --yes takes that too; again there is nothing to do", async () => {
    await stack.must("down");
    expect(await inspectStack(stack.name)).toEqual([]);
    expect(await volumes()).toEqual([`${stack.name}-gateway`, `${stack.name}_data`]);
    expect((await stack.run("status")).exitCode).toBe(4);

    await stack.must("down", "--volumes", "--yes");
    expect(await volumes()).toEqual([]);
    const { stderr } = await stack.must("down");
    expect(stderr).toContain("Nothing");
  });
});

async function volumes(): Promise<readonly string[]> {
  const { Volumes } = await engine<{ Volumes: readonly { Name: string }[] | null }>("/volumes");
  return (Volumes ?? [])
    .map(({ Name }) => Name)
    .filter((name) => name.includes(stack.name))
    .toSorted();
}
