import { afterEach, expect, test, vi } from "vitest";
import { exitCodes, NexusError } from "../src/errors.ts";
import { machineOf, NexusCommand } from "../src/nexus-command.ts";

class LockedError extends NexusError {
  readonly code = "NEXUS_LOCKED_HERE";
  readonly exitCode = exitCodes.locked;
  readonly remedy = "Run `nexus unlock`.";
}

const root = import.meta.url;

/** A command that fails, and one that runs it inside itself, as `add service` runs `up`. */
function commands(failure: Error): Readonly<Record<"inner" | "outer", typeof NexusCommand>> {
  class Inner extends NexusCommand {
    async run(): Promise<void> {
      await this.parse(Inner);
      throw failure;
    }
  }
  class Outer extends NexusCommand {
    async run(): Promise<void> {
      await this.parse(Outer);
      await Inner.run([], root);
    }
  }
  return { inner: Inner, outer: Outer };
}

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function printed(command: typeof NexusCommand): Promise<unknown> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  await (command as unknown as { run: (words: string[], from: string) => Promise<unknown> }).run(
    ["--json"],
    root,
  );
  return JSON.parse(write.mock.calls.map(([text]) => String(text)).join(""));
}

test.each(["inner", "outer"] as const)(
  "with --json a failure is one document with its own code and remedy, and sets its own exit code: %s",
  async (which) => {
    expect(await printed(commands(new LockedError("busy"))[which])).toEqual({
      error: {
        class: "LockedError",
        code: "NEXUS_LOCKED_HERE",
        message: "busy",
        remedy: "Run `nexus unlock`.",
        exit: exitCodes.locked,
        details: {},
      },
    });
    expect(process.exitCode).toBe(exitCodes.locked);
  },
);

test("a bug inside a command that another one runs stays a bug", async () => {
  const document = await printed(commands(new TypeError("x is undefined")).outer);

  expect(document).toMatchObject({ error: { class: "TypeError", code: "NEXUS_BUG", exit: 1 } });
});

test("for people a failure keeps its exit code, however deep the command that met it", async () => {
  const { outer } = commands(new LockedError("busy"));
  const run = (outer as unknown as { run: (w: string[], r: string) => Promise<unknown> }).run;

  await expect(run.call(outer, [], root)).rejects.toMatchObject({
    code: "NEXUS_LOCKED_HERE",
    suggestions: ["Run `nexus unlock`."],
    oclif: { exit: exitCodes.locked },
  });
});

test("templates are chosen for the GPUs that the engine can give", () => {
  const none = { architecture: "amd64", gpuKinds: [], cdiDevices: [] };
  const vendors = (engine: Parameters<typeof machineOf>[0]) =>
    machineOf(engine).gpus.map(({ vendor }) => vendor);

  expect(machineOf(none)).toEqual({ architecture: "amd64", gpus: [] });
  expect(vendors({ ...none, gpuKinds: ["amd"] })).toEqual(["amd"]);
  expect(vendors({ ...none, gpuKinds: ["nvidia", "amd"] })).toEqual(["nvidia", "amd"]);
  expect(vendors({ ...none, gpuKinds: ["cdi"], cdiDevices: ["nvidia.com/gpu=GPU-1"] })).toEqual([
    "nvidia",
  ]);
  expect(vendors({ ...none, gpuKinds: ["cdi"], cdiDevices: ["amd.com/gpu=0"] })).toEqual(["amd"]);
});

test.each([
  ["ENOSPC", "/home/me/ai/nexus.yaml cannot be used: the disk is full."],
  ["EACCES", "/home/me/ai/nexus.yaml cannot be used: you may not."],
])("a file that the system refuses (%s) is no bug of ours", async (code, message) => {
  const refused = Object.assign(new Error(`${code}: open`), {
    code,
    syscall: "open",
    path: "/home/me/ai/nexus.yaml",
  });
  expect(await printed(commands(refused).outer)).toMatchObject({
    error: { code: "NEXUS_FILE_REFUSED", message, exit: exitCodes.resources },
  });
});
