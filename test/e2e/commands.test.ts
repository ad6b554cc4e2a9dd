import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  containersOf,
  engine,
  nexusBin,
  type Ran,
  readIn,
  type StackFolder,
  stackFolder,
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
let planned: Ran;

beforeAll(async () => {
  stack = await stackFolder(services);
  planned = await stack.must("plan");
  await stack.must("up");
});
afterAll(async () => stack[Symbol.asyncDispose]());

const lines = (text: string) => text.split("\n").filter((line) => line !== "");

describe("looking", () => {
  test("`plan` tells everything beforehand and nothing afterwards", async () => {
    expect(planned.stdout).toMatch(/^ {2}create +\S+-web-1 +it has no container yet$/m);
    expect(planned.stdout).toContain("to create");
    const { stdout } = await stack.must("plan");
    expect(stdout).toBe("Nothing to change: 2 services as wanted.");
  });

  test("`status` shows each service once, those asked for alone, and only by name without a file", async () => {
    const { stdout } = await stack.must("status");
    expect(lines(stdout).map((line) => line.split(/\s+/).slice(0, 3).join(" "))).toEqual([
      "SERVICE STATE WHY",
      "gateway ✔ ready",
      "web ✔ ready",
      "side ✔ ready",
      `${stack.name}: everything is`,
      `API ${stack.api}/v1`,
    ]);
    const { document } = await stack.json<{ services: readonly object[] }>("status", "side");
    expect(document.services).toEqual([expect.objectContaining({ service: "side" })]);
    const named = await stack.json("status", "--stack-name", stack.name);
    expect(named).toMatchObject({ exitCode: 0, document: { stack: stack.name, ok: true } });
  });

  test("`config` says where each value comes from, and is a stack file itself", async () => {
    const { stdout } = await stack.must("config");
    expect(stdout).toMatch(/image: nexus-test\/scenario:1 +# nexus\.yaml:6/);
    expect(stdout).toMatch(/# default/);
  });

  test("`catalog` lists the ready-made services and shows one, found by what it does as well", async () => {
    const { stdout } = await stack.must("catalog");
    expect(stdout).toMatch(/^llm +ollama +✔ \w+ +chat completion embedding +Runs open models/m);
    expect((await stack.must("catalog", "ollama")).stdout).toContain("nexus add service ollama");
    const { document } = await stack.json("catalog", "llm");
    expect(document).toMatchObject({ id: "ollama" });
  });

  test("`doctor` finds a healthy machine healthy, and names what is wrong with its remedy and exit code", async () => {
    const well = await stack.run("doctor");
    expect(well).toMatchObject({ exitCode: 0 });
    expect(well.stdout).toMatch(/^✔ services +all 3 at their level$/m);

    const [side] = await containersOf(stack.name, "side");
    await engine(`/containers/${side?.Id}/kill`, { method: "POST" });
    const ill = await stack.json<{ checks: readonly { id: string }[] }>("doctor");
    expect(ill).toMatchObject({ exitCode: 4, document: { ok: false } });
    expect(ill.document.checks.find(({ id }) => id === "services")).toMatchObject({
      verdict: "fail",
      detail: expect.stringContaining("side"),
      fix: expect.stringContaining("nexus"),
    });
    await stack.must("up");
  });
});

describe("--json", () => {
  test.for([
    ["up"],
    ["plan"],
    ["status"],
    ["doctor"],
    ["config"],
    ["catalog"],
    ["catalog", "ollama"],
    ["models", "ls"],
    ["keys", "ls"],
    ["usage"],
    ["unlock"],
    ["completion"],
    ["chat", "hi"],
    ["exec", "--json", "web", "id"],
    ["add", "service", "ollama", "--dry-run"],
  ])("`nexus %s` prints exactly one document on stdout", async (words) => {
    const { exitCode, document } = await stack.json(...words);
    expect(exitCode).toBe(0);
    expect(document).not.toHaveProperty("error");
  });

  test.for<[string[], string, number]>([
    [["statsu"], "NEXUS_UNKNOWN_COMMAND", 2],
    [["status", "--wacht"], "NEXUS_USAGE", 2],
    [["keys", "add"], "NEXUS_USAGE", 2],
    [["status", "wbe"], "NEXUS_UNKNOWN_SERVICE", 2],
    [["logs", "wbe"], "NEXUS_UNKNOWN_SERVICE", 2],
    [["logs", "--since", "yesterdayish"], "NEXUS_INVALID_TIME", 2],
    [["restart", "wbe"], "NEXUS_UNKNOWN_SERVICE", 2],
    [["exec", "--json", "wbe", "id"], "NEXUS_UNKNOWN_SERVICE", 2],
    [["keys", "rm", "nobody", "--yes"], "NEXUS_UNKNOWN_KEY", 2],
    [["keys", "edit", "default"], "NEXUS_NOTHING_TO_CHANGE", 2],
    [["usage", "--since", "yesterdayish"], "NEXUS_INVALID_TIME", 2],
    [["keys", "rotate", "nobody"], "NEXUS_UNKNOWN_KEY", 2],
    [["keys", "add", "x", "--expires", "soon"], "NEXUS_INVALID_EXPIRY", 2],
    [["models", "pull", "x"], "NEXUS_NO_MODEL_STORE", 2],
    [["catalog", "olama"], "NEXUS_UNKNOWN_TEMPLATE", 2],
    [["add", "service", "olama"], "NEXUS_UNKNOWN_TEMPLATE", 2],
    [["remove", "service", "wbe", "--yes"], "NEXUS_STACK_EDIT", 2],
    [["up", "--file", "nowhere.yaml"], "NEXUS_STACK_NOT_FOUND", 2],
    [["init", "--stack", "starter"], "NEXUS_STACK_EXISTS", 6],
    [["chat", "--model", "wbe-1", "hi"], "NEXUS_API", 4],
  ])("the failure of `nexus %s` is one document too", async ([words, code, exit]) => {
    const { exitCode, document } = await stack.json(...words);
    expect(document).toMatchObject({
      error: { code, exit, message: expect.any(String), remedy: expect.stringMatching(/\S/) },
    });
    expect(exitCode).toBe(exit);
  });
});

describe("words that are not understood", () => {
  test.for<[string[], string]>([
    [["upp"], "Did you mean `nexus up`?"],
    [["model", "ls"], "Did you mean `nexus models ls`?"],
    [["ps"], "Did you mean `nexus status`?"],
    [["frobnicate"], "See them all with `nexus --help`."],
    [["status", "--wacth"], "Did you mean `--watch`?"],
    [["down", "--volume"], "Did you mean `--volumes`?"],
    [["status", "wbe"], "Did you mean `web`?"],
  ])("`nexus %s`: exit 2 and a near miss, in a few lines", async ([words, guess]) => {
    const { exitCode, stdout, stderr } = await stack.run(...words);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr.replaceAll(/\s+›?\s*/g, " ")).toContain(guess);
    expect(lines(stderr).length).toBeLessThan(9);
  });

  test("every command has a page of help", async () => {
    const { stdout } = await stack.must("--help");
    const manifest = JSON.parse(
      await readIn(
        { directory: new URL("../..", import.meta.url).pathname },
        "oclif.manifest.json",
      ),
    ) as { commands: Readonly<Record<string, { summary: string; hidden?: boolean }>> };
    const commands = Object.entries(manifest.commands);
    expect(commands.length).toBeGreaterThan(20);
    await Promise.all(
      commands.map(async ([id, { summary }]) => {
        expect(stdout).toContain(id.split(":")[0]);
        const page = await stack.must(...id.split(":"), "--help");
        expect(page.stdout).toContain(summary.split(" ", 1)[0]);
        expect(page.stdout).toContain("USAGE");
      }),
    );
    expect((await stack.must("help", "keys", "add")).stdout).toContain("$ nexus keys add NAME");
  });
});

test("the completion script for bash is valid, and completes commands, flags, services and templates", async () => {
  const { stdout: script } = await stack.must("completion", "bash");
  const complete = async (line: string) => {
    const words = line.split(" ");
    const session = `nexus() { '${process.execPath}' '${nexusBin}' "$@"; }
${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}) COMP_CWORD=${words.length - 1}
_nexus && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await execa("bash", ["--norc", "-uec", session], {
      cwd: stack.directory,
    });
    expect(stderr).toBe("");
    return stdout.split("\n").toSorted();
  };
  expect(await complete("nexus st")).toEqual(["status"]);
  expect(await complete("nexus keys r")).toEqual(["rm", "rotate"]);
  expect(await complete("nexus status --w")).toEqual(["--watch"]);
  expect(await complete("nexus logs ")).toEqual(["gateway", "side", "web"]);
  expect(await complete("nexus add service o")).toEqual(["ollama", "open-webui"]);
  expect(await complete("nexus up --pull ")).toEqual(["always", "missing"]);
  expect(await complete("nexus up --stack s")).toEqual(["starter", "studio"]);
});
