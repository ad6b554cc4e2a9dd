import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { verifyAtAddress } from "../../src/verify/at-address.ts";
import { until } from "../support/cli.ts";

const directory = join(import.meta.dirname, "../../templates/example-python");
/** Debian's own: the bed installs FastAPI, uvicorn, httpx and pytest for it. */
const python = "/usr/bin/python3";
const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", SERVICE_NAME: "mine" };

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

async function start(
  changes: Readonly<Record<string, string>> = {},
): Promise<Readonly<{ url: string; child: ChildProcess }>> {
  const port = await freePort();
  const env = { ...environment, ...changes, PORT: String(port) };
  const child = spawn(python, ["main.py"], { cwd: directory, env, stdio: "ignore" });
  started.push(child);
  const url = `http://127.0.0.1:${port}`;
  await until("it listens", () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { url, child };
}

test("its own tests pass as a user runs them", async () => {
  const tests = spawn(python, ["-m", "pytest", "-q", "-p", "no:cacheprovider"], {
    cwd: directory,
    env: environment,
  });
  const output: string[] = [];
  tests.stdout.on("data", (data: Buffer) => output.push(String(data)));
  expect([await once(tests, "exit"), output.join("")]).toEqual([
    [0, null],
    expect.stringContaining("passed"),
  ]);
});

test("it passes every check of the contract that it can be asked", async () => {
  const { url } = await start();
  const { ok, findings } = await verifyAtAddress({ url, name: "mine", provides: [], models: [] });
  const others = findings.filter(({ outcome }) => outcome !== "pass");
  expect(others.map(({ check, outcome }) => `${check}: ${outcome}`)).toEqual(
    ["completions", "rerank", "speech", "transcriptions", "images"].map(
      (check) => `${check}: not-claimed`,
    ),
  );
  expect(ok).toBe(true);
});

test("it answers 503 with its progress while it loads, and ends with 0 when it is told to stop", async () => {
  const { url, child } = await start({ WARM_UP_MS: "600000" });
  const answer = await fetch(`${url}/readyz`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ status: "loading", stage: "loading the model" });
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
