import { afterAll, expect, test } from "vitest";
import { execa } from "execa";
import type { ChangeDocument } from "../../src/changing-command.ts";
import { openRegistry, type PrivateEngine, startSecondEngine } from "../bed/bed.ts";
import { containersOf, inspectStack, type StackFolder, stackFolder } from "../support/cli.ts";
import { failure } from "../support/failures.ts";

const mebibyte = 1024 ** 2;
const worker = 'image: "nexus-test/pause:1"';
const open: AsyncDisposable[] = [];

afterAll(async () => {
  for (const each of open.toReversed()) await each[Symbol.asyncDispose]();
});

test("a disk that fills up is told as such, and with room the next `up` converges", async () => {
  const engine = await privateEngine({ dataRootBytes: 48 * mebibyte });
  // By its registry: behind a mirror the engine would try the next one and tell of that instead.
  const image = `${openRegistry}/nexus-test/large:1`;
  const stack = await on(engine, `  big: { image: "${image}", port: 9000 }\n`);
  const { exitCode, document } = await stack.json<ChangeDocument>("up");

  expect(exitCode).toBe(7);
  const failed = document.services.filter(({ outcome }) => outcome === "failed");
  expect(failed.length).toBeGreaterThan(0);
  for (const { failure: told } of failed) {
    expect(told).toMatchObject({
      cause: { kind: "engine", code: "NEXUS_DISK_FULL", exit: 7 },
      message: expect.stringContaining("no space left on device"),
      remedy: expect.stringContaining("docker system df"),
    });
  }

  await execa("mount", ["-o", `remount,size=${1500 * mebibyte}`, engine.dataRoot]);
  expect((await stack.run("up", "--json")).exitCode).toBe(0);
});

test("a GPU asked for by number where the engine has none is refused; `auto` runs on the CPU and says so", async () => {
  const engine = await privateEngine({ nvidia: false });
  const stack = await on(engine, `  llm: { ${worker}, gpus: 1 }\n`);

  expect(
    await failure(stack, ["plan"], { environment: { DOCKER_HOST: engine.dockerHost } }),
  ).toMatchObject({
    exitCode: 7,
    code: "NEXUS_NO_GPU",
    message: "llm asks for 1 GPU, but the engine has no way to give a container a GPU.",
    remedy: expect.stringContaining("gpus: auto"),
  });
  expect(await inspectStack(stack.name, engine.socketPath)).toEqual([]);

  await stack.write(`  llm: { ${worker}, gpus: auto }\n`);
  const { stdout, stderr } = await stack.must("plan");
  expect(stdout + stderr).toMatch(/llm runs on the CPU/);
});

test("an engine that offers GPUs of which none answers is not believed", async () => {
  const stack = await stackFolder(`  llm: { ${worker}, gpus: 1 }\n`);
  open.push(stack);

  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 7,
    code: "NEXUS_NO_GPU",
    message: "llm asks for 1 GPU, but no GPU answers in a container.",
  });
  expect(await containersOf(stack.name, "llm")).toEqual([]);

  await stack.write(`  llm: { ${worker}, gpus: auto }\n`);
  const { stderr } = await stack.must("up");
  expect(stderr).toContain("llm runs on the CPU: no GPU answers in a container");
  const [llm] = await containersOf(stack.name, "llm");
  expect(llm?.HostConfig["DeviceRequests"] ?? []).toEqual([]);
});

async function privateEngine(
  options: Parameters<typeof startSecondEngine>[0],
): Promise<PrivateEngine> {
  const engine = await startSecondEngine(options);
  open.push(engine);
  return engine;
}

async function on({ dockerHost }: PrivateEngine, services: string): Promise<StackFolder> {
  const stack = await stackFolder(services, { environment: { DOCKER_HOST: dockerHost } });
  open.push(stack);
  return stack;
}
