import { chmodSync, chownSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execa } from "execa";
import { freshSocketPath, socketPath, startEngineProxy } from "../bed/bed.ts";
import { inspectStack, type StackFolder, stackFolder } from "../support/cli.ts";
import { failure } from "../support/failures.ts";

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder("  pause: { image: 'nexus-test/pause:1' }\n");
});
afterAll(async () => stack[Symbol.asyncDispose]());

const at = (path: string) => ({ environment: { DOCKER_HOST: `unix://${path}` } });
const toBed = () => ({ socketPath: freshSocketPath(), target: socketPath });

test("no engine at all: where it was looked for, and how to start one", async () => {
  const nowhere = freshSocketPath();

  expect(await failure(stack, ["up"], at(nowhere))).toMatchObject({
    exitCode: 3,
    code: "NEXUS_ENGINE_UNREACHABLE",
    message: `No Docker engine at unix://${nowhere} (DOCKER_HOST): the socket does not exist, so the engine is not running or not installed.`,
    remedy: expect.stringMatching(/systemctl start docker|DOCKER_HOST=/),
  });
});

test("a socket that a dead engine left behind is told apart from none", async () => {
  const path = freshSocketPath();
  await leaveSocketBehind(path);

  expect(await failure(stack, ["status"], at(path))).toMatchObject({
    exitCode: 3,
    code: "NEXUS_ENGINE_UNREACHABLE",
    message: expect.stringContaining("nobody listens there; the engine died or is still starting"),
  });
});

test("a socket that the user may not use: the group to join, never chmod", async () => {
  await using proxy = await startEngineProxy(toBed());
  const path = proxy.socketPath;
  chownSync(path, 65_534, 65_534);
  chmodSync(path, 0o600);
  // Root without its power over other people's files.
  const under = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

  const failed = await failure(stack, ["up"], { ...at(path), under });

  expect(failed).toMatchObject({
    exitCode: 3,
    code: "NEXUS_ENGINE_FORBIDDEN",
    message: `You have no permission to use the Docker engine at unix://${path} (DOCKER_HOST).`,
  });
  expect(failed.remedy).toContain("usermod -aG docker");
  expect(failed.remedy).not.toContain("chmod");
});

test("an engine that is too old is named with what it speaks and what is needed", async () => {
  const path = freshSocketPath();
  const old = createServer((_, answer) => {
    answer.setHeader("Api-Version", "1.38").end("OK");
  }).listen(path);
  await once(old, "listening");

  expect(await failure(stack, ["up"], at(path))).toMatchObject({
    exitCode: 3,
    code: "NEXUS_ENGINE_TOO_OLD",
    message: `The engine at unix://${path} (DOCKER_HOST) speaks API 1.38; Nexus needs 1.41 or later.`,
    remedy: expect.stringContaining("20.10"),
  });
  old.close();
});

test("an engine that hangs is given up, with the call that hangs", async () => {
  const hangs = { match: /^GET \/info/, fault: { kind: "hang" } } as const;
  await using proxy = await startEngineProxy(toBed(), [hangs]);

  expect(await failure(stack, ["up"], at(proxy.socketPath))).toMatchObject({
    exitCode: 3,
    code: "NEXUS_ENGINE_SILENT",
    message: expect.stringMatching(/did not answer ".*" within 15 s/),
    remedy: expect.stringContaining("journalctl -u docker"),
  });
});

test("a context that does not exist is named with those that do", async () => {
  expect(await failure(stack, ["up", "--context", "colima"])).toMatchObject({
    exitCode: 2,
    code: "NEXUS_CONTEXT_NOT_FOUND",
    message: expect.stringContaining("colima"),
  });
});

test("a proxy in the environment is not for the engine: `up` works, and the container does not get it", async () => {
  const proxy = "http://127.0.0.1:9";
  await using proxied = await stackFolder("  web: { image: 'nexus-test/web:1', port: 9000 }\n", {
    environment: {
      HTTP_PROXY: proxy,
      http_proxy: proxy,
      HTTPS_PROXY: proxy,
      https_proxy: proxy,
      ALL_PROXY: proxy,
      all_proxy: proxy,
    },
  });
  await proxied.must("up");

  expect(JSON.stringify(await inspectStack(proxied.name))).not.toContain(proxy);
  expect((await proxied.json("status")).exitCode).toBe(0);
});

/** What a killed daemon leaves: a socket file that no process has open. */
async function leaveSocketBehind(path: string): Promise<void> {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await execa(process.execPath, ["-e", script], { reject: false });
}
