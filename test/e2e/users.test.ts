import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { services, type StackFolder, stackFolder } from "../support/cli.ts";
import { keys, openTerminal } from "../support/terminal.ts";

const password = "correct horse battery";
const all = services({
  web: {
    image: "nexus-test/scenario:1",
    port: 9000,
    provides: ["chat"],
    models: ["web-1"],
    environment: { SCENARIO_MODELS: "web-1" },
  },
});

let stack: StackFolder;
beforeAll(async () => {
  stack = await stackFolder(all);
  await stack.must("up");
  await writeFile(join(stack.directory, "password.txt"), `${password}\n`);
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("a user who was added logs in through the published port and chats, until they are disabled", async () => {
  const added = await stack.must("users", "add", "Ada", "--password-file", "password.txt");
  expect(added.stdout).toContain("Added the user ada.");
  const { status, token } = await logIn("ada");
  expect(status).toBe(201);
  expect(await chat(token)).toBe(200);
  const listed = await stack.must("users", "ls");
  expect(listed.stdout).toMatch(/^ada +inference +allowed +1 +\d+ s$/m);
  const usage = await stack.must("usage");
  expect(usage.stdout).toMatch(/^user:ada /m);

  await stack.must("users", "disable", "ada");
  expect([await chat(token), (await logIn("ada")).status]).toEqual([401, 401]);
  await stack.must("users", "enable", "ada");
  expect([await chat(token), (await logIn("ada")).status]).toEqual([401, 201]);
});

test("a password that is typed is never shown, and works", async () => {
  await using terminal = openTerminal(stack, ["users", "add", "zoe"]);
  await terminal.shows(/Password of zoe:/);
  terminal.type(`typed secret${keys.enter}`);
  await terminal.shows(/The same again:/);
  terminal.type(`typed secret${keys.enter}`);
  expect(await terminal.exitCode()).toBe(0);
  expect(terminal.raw()).not.toContain("typed secret");
  expect((await logIn("zoe", "typed secret")).status).toBe(201);

  const piped = stack.start(["users", "passwd", "zoe", "--password-file", "-"], {
    input: "another secret\n",
  });
  expect((await piped).exitCode).toBe(0);
  expect((await logIn("zoe", "typed secret")).status).toBe(401);
  expect((await logIn("zoe", "another secret")).status).toBe(201);
});

test.for<[string[], string, number]>([
  [["users", "add", "a:b"], "NEXUS_INVALID_USER_NAME", 2],
  [["users", "add", "eve"], "NEXUS_PROMPT_NEEDS_TERMINAL", 2],
  [["users", "add", "eve", "--password-file", "nowhere.txt"], "NEXUS_PASSWORD_MISSING", 2],
  [["users", "add", "eve", "--password-file", "nexus.yaml"], "NEXUS_PASSWORD_MISSING", 2],
  [["users", "add", "ada", "--password-file", "password.txt"], "NEXUS_USER_NAME_TAKEN", 6],
  [["users", "disable", "aad"], "NEXUS_UNKNOWN_USER", 2],
  [["users", "rm", "ada"], "NEXUS_PROMPT_NEEDS_TERMINAL", 2],
])("the failure of `nexus %s` is one document", async ([words, code, exit]) => {
  const { exitCode, document } = await stack.json(...words);
  expect(exitCode).toBe(exit);
  expect(document).toMatchObject({ error: { code, exit } });
});

test("a user who is removed is gone, and asking is one document", async () => {
  const { document } = await stack.json("users", "rm", "ada", "--yes");
  expect(document).toEqual({ stack: stack.name, removed: "ada" });
  expect((await logIn("ada")).status).toBe(401);
  const { document: left } = await stack.json<{ users: unknown }>("users", "ls");
  expect(left.users).toMatchObject([{ name: "zoe", sessions: 1 }]);
});

async function logIn(username: string, secret = password) {
  const body = JSON.stringify({ username, password: secret });
  const response = await fetch(`${stack.api}/v1/sessions`, { method: "POST", body });
  const { token = "" } = (await response.json()) as { token?: string };
  return { status: response.status, token };
}

async function chat(token: string): Promise<number> {
  const response = await fetch(`${stack.api}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "web-1", messages: [{ role: "user", content: "hello" }] }),
  });
  await response.arrayBuffer();
  return response.status;
}
