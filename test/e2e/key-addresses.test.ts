import { afterAll, beforeAll, expect, test } from "vitest";
import { readIn, services, stackFolder, type StackFolder, writeIn } from "../support/cli.ts";

const answer = `require("http").createServer((request, response) => {
  request.resume();
  response.end(JSON.stringify({ data: [{ id: "mirror" }] }));
}).listen(9000)`;
const mirror = {
  image: "node:24-slim",
  port: 9000,
  provides: ["chat"],
  models: ["mirror"],
  command: ["node", "-e", answer],
};

let stack: StackFolder;
const keys = { here: "", elsewhere: "" };

beforeAll(async () => {
  stack = await stackFolder(services({ mirror }));
  await stack.must("up");
  keys.here = await makeKey("here", "127.0.0.1");
  keys.elsewhere = await makeKey("elsewhere", "192.0.2.7");
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("on a port of loopback a list lets this machine in, or keeps it out", async () => {
  expect(await ask(keys.here)).toBe("200");
  expect(await ask(keys.elsewhere)).toBe("403 address_not_allowed");
});

test("another container of the stack is not this machine", async () => {
  expect(await askFromMirror(keys.here)).toBe("403");
  expect(await askFromMirror(stack.key())).toBe("200");
});

test("on a port of every address of a rootful engine this machine is still known", async () => {
  const text = await readIn(stack, "nexus.yaml");
  await writeIn(stack, "nexus.yaml", text.replace("gateway: { ", 'gateway: { host: "0.0.0.0", '));
  await stack.must("up");

  expect(await ask(keys.here)).toBe("200");
  expect(await ask(keys.elsewhere)).toBe("403 address_not_allowed");
  expect(await askFromMirror(keys.here)).toBe("403");
});

test("the list is shown, and lifted in a moment", async () => {
  expect((await stack.must("keys", "ls")).stdout).toMatch(/^elsewhere .*from 192\.0\.2\.7/m);
  await stack.must("keys", "edit", "elsewhere", "--allow-ip", "all");
  expect(await ask(keys.elsewhere)).toBe("200");
});

async function makeKey(name: string, address: string): Promise<string> {
  return (await stack.must("keys", "add", name, "--allow-ip", address)).stdout.trim();
}

/** The status, and why. */
async function ask(key: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${stack.api}/v1/models`, { headers });
  const { error } = (await response.json()) as { error?: { code: string } };
  return [response.status, error?.code].filter(Boolean).join(" ");
}

async function askFromMirror(key: string): Promise<string> {
  const asking = `fetch("http://gateway:8800/v1/models", { headers: { authorization: "Bearer ${key}" } })
    .then((response) => process.stdout.write(String(response.status)))`;
  const { stdout } = await stack.must("exec", "-T", "mirror", "node", "-e", asking);
  return stdout.trim();
}
