import { text as readText } from "node:stream/consumers";
import { expect, test } from "vitest";
import { eventsUntil, finish, setUpBench } from "./subject.ts";
import type { Bench, Subject } from "./subject.ts";

/** What an engine promises of logs, processes, files and statistics. */
export function describeOutput(subject: Subject): void {
  const bench = setUpBench(subject);
  describeLogs(bench);
  describeProcesses(bench);
}

function describeLogs(bench: Bench): void {
  const printed = { do: "print", stdout: "größer\nzwei", stderr: "oops" } as const;

  test("logs come as whole lines, told apart by stream, with times when asked for", async () => {
    const ended = eventsUntil(bench.engine, bench.stack, "die");
    const id = await bench.run(printed);
    await ended;

    const lines = await Array.fromAsync(bench.engine.containers.logs(id, { timestamps: true }));

    const stdout = lines.filter((line) => line.stream === "stdout").map((line) => line.text);
    expect(stdout).toEqual(["größer", "zwei"]);
    expect(lines.filter((line) => line.stream === "stderr")).toEqual([
      { stream: "stderr", text: "oops", timestamp: expect.stringMatching(/^20\d\d-.*Z$/) },
    ]);
  });

  test("the last lines alone can be asked for", async () => {
    const ended = eventsUntil(bench.engine, bench.stack, "die");
    const id = await bench.run({ do: "print", stdout: "1\n2\n3", stderr: "" });
    await ended;

    const lines = await Array.fromAsync(bench.engine.containers.logs(id, { tail: 2 }));

    expect(lines).toEqual([
      { stream: "stdout", text: "2" },
      { stream: "stdout", text: "3" },
    ]);
  });

  test("a followed log ends with its container", async () => {
    const id = await bench.engine.containers.create(bench.request(printed), bench.network);
    await bench.engine.containers.start(id);

    const lines = await Array.fromAsync(bench.engine.containers.logs(id, { follow: true }));

    expect(lines).toHaveLength(3);
  });

  test("a followed log ends quietly when it is no longer wanted", async () => {
    const id = await bench.run({ do: "stay" });
    const stop = new AbortController();

    const following = Array.fromAsync(
      bench.engine.containers.logs(id, { follow: true }, stop.signal),
    );
    setTimeout(() => stop.abort(), 100);

    expect(await following).toEqual([]);
  });
}

function describeProcesses(bench: Bench): void {
  test("a process gets its stdin, keeps its streams apart and ends with its code", async () => {
    const id = await bench.run({ do: "stay" });

    const ended = await finish(await bench.exec(id, { do: "echo", code: 5 }), "grüße\n");

    expect(ended).toEqual({ stdout: "grüße\n", stderr: "done\n", exitCode: 5 });
  });

  test("processes run side by side", async () => {
    const id = await bench.run({ do: "stay" });

    const codes = await Promise.all(
      [1, 2, 3].map(
        async (code) => (await finish(await bench.exec(id, { do: "echo", code }))).exitCode,
      ),
    );

    expect(codes).toEqual([1, 2, 3]);
  });

  test("files put into a volume are there for every container that mounts it", async () => {
    const volume = `${bench.stack}-data`;
    await bench.engine.volumes.create({
      name: volume,
      stack: bench.stack,
      driverOpts: {},
      labels: {},
    });
    const mounts = [
      { kind: "volume", source: volume, target: "/files", readOnly: false, external: false },
    ] as const;
    const first = await bench.engine.containers.create(
      bench.request({ do: "stay" }, { mounts }),
      bench.network,
    );

    await bench.engine.containers.put(first, "/files", [
      { path: "keys", mode: 0o755, directory: true },
      { path: "keys/one", mode: 0o444, content: "geheim" },
      { path: "two", mode: 0o644, source: import.meta.filename },
    ]);
    const second = await bench.run({ do: "stay" }, { mounts, name: `${bench.stack}-reader-1` });

    const read = await finish(await bench.exec(second, { do: "read", path: "/files/keys/one" }));
    expect(read).toMatchObject({ stdout: "geheim", exitCode: 0 });
    const other = await finish(await bench.exec(second, { do: "read", path: "/files/two" }));
    expect(other.stdout).toContain("What an engine promises of logs");
    expect(await taken(bench, second, "/files/keys")).toEqual(["keys/one geheim"]);
    expect(await taken(bench, first, "/files/keys/one")).toEqual(["one geheim"]);
    expect(await taken(bench, first, "/files/nothing")).toEqual([]);
    expect((await bench.engine.containers.inspect(second))?.volumes).toEqual([volume]);
    const { foreign } = await bench.engine.observe("somebody-else", []);
    expect(foreign.find(({ id }) => id === second)?.volumes).toEqual([volume]);
  });

  test("a running container's use is measured", async () => {
    const id = await bench.run({ do: "stay" });

    for await (const stats of bench.engine.containers.stats(id)) {
      expect(stats.memoryLimitBytes).toBe(256 * 1024 ** 2);
      expect(stats.pids).toBeGreaterThan(0);
      break;
    }
  });
}

/** Path and content of every file that a container has at a path. */
async function taken(bench: Bench, id: string, path: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const file of bench.engine.containers.take(id, path))
    files.push(`${file.path} ${"link" in file ? `-> ${file.link}` : await readText(file.content)}`);
  return files;
}
