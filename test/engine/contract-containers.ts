import { expect, test } from "vitest";
import type { ObservedContainer } from "../../src/engine/engine.ts";
import {
  ContainerMissingError,
  ContainerNotRunningError,
  ImageMissingError,
  NameTakenError,
  PortTakenError,
} from "../../src/engine/errors.ts";
import { eventsUntil, setUpBench } from "./subject.ts";
import type { Bench, Subject } from "./subject.ts";

/** What an engine promises of containers. */
export function describeContainers(subject: Subject): void {
  const bench = setUpBench(subject);
  describeLife(bench);
  describeConflicts(bench);
  describeEnds(bench);
  describeUpdates(bench);
}

async function observed({ engine, stack }: Bench): Promise<ObservedContainer | undefined> {
  return (await engine.observe(stack, [])).containers[0];
}

function describeLife(bench: Bench): void {
  test("a created container is observed with its identity, attached and not yet running", async () => {
    const request = bench.request({ do: "stay" }, { labels: { colour: "green" } });

    const id = await bench.engine.containers.create(request, bench.network);

    expect(await observed(bench)).toMatchObject({
      id,
      name: request.name,
      identity: request.identity,
      state: "created",
      startedAt: "",
      restart: { name: "no" },
      limits: request.limits,
      networks: [
        { id: bench.network, name: bench.stack, aliases: expect.arrayContaining(["llm"]) },
      ],
      security: { readOnly: true, privileged: false, noNewPrivileges: true, capDrop: ["ALL"] },
    });
    expect(await bench.engine.containers.inspect(id)).toEqual(await observed(bench));
    expect(await bench.engine.stacks()).toContain(bench.stack);
  });

  test("what was written down of GPUs is read back, by its own stack and by others", async () => {
    const known = [{ id: "GPU-1", name: "L4", vendor: "nvidia", memoryBytes: 2 ** 34 }] as const;
    const gpuNote = { known, holds: ["GPU-1"], vramBytes: 2 ** 33 };
    const id = await bench.engine.containers.create(
      bench.request({ do: "stay" }, { gpuNote }),
      bench.network,
    );

    expect((await bench.engine.containers.inspect(id))?.gpuNote).toEqual(gpuNote);
    const { containers, foreign } = await bench.engine.observe("", []);
    expect(containers).toEqual([]);
    expect(foreign.find((each) => each.id === id)).toMatchObject({
      owner: bench.stack,
      service: "llm",
      gpuNote,
    });
  });

  test("a started container runs until it is stopped, and every step may be repeated", async () => {
    const { containers } = bench.engine;
    const id = await bench.run({ do: "stay" });
    await containers.start(id);
    expect(await observed(bench)).toMatchObject({ state: "running", finishedAt: "" });

    await containers.stop(id, 2000);
    await containers.stop(id, 2000);
    expect(await observed(bench)).toMatchObject({
      state: "exited",
      finishedAt: expect.stringMatching(/^20/),
    });

    await containers.remove(id);
    await containers.remove(id);
    await containers.stop(id, 2000);
    expect(await observed(bench)).toBeUndefined();
    expect(await containers.inspect(id)).toBeUndefined();
  });

  test("a running container is removed, and a stopped one started again", async () => {
    const id = await bench.run({ do: "stay" });
    await bench.engine.containers.stop(id, 2000);
    await bench.engine.containers.start(id);
    expect(await observed(bench)).toMatchObject({ state: "running" });

    await bench.engine.containers.restart(id, 2000);
    expect(await observed(bench)).toMatchObject({ state: "running" });

    await bench.engine.containers.remove(id);
    expect(await observed(bench)).toBeUndefined();
  });

  test("two generations of a service live side by side", async () => {
    const first = bench.request({ do: "stay" });
    const identity = { ...first.identity, generation: 2, configHash: "1-def" };
    await bench.run({ do: "stay" });
    await bench.run({ do: "stay" }, { identity, name: `${bench.stack}-llm-2` });

    const { containers } = await bench.engine.observe(bench.stack, []);

    expect(new Set(containers.map((container) => container.identity?.generation))).toEqual(
      new Set([1, 2]),
    );
  });

  test("a container of another stack is foreign, with its owner and ports", async () => {
    const ports = [
      { hostIp: "127.0.0.1", hostPort: 28_311, containerPort: 80, protocol: "tcp" as const },
    ];
    const id = await bench.run({ do: "stay" }, { ports });

    const { containers, foreign } = await bench.engine.observe("somebody-else", []);

    expect(containers).toEqual([]);
    expect(foreign.find((each) => each.id === id)).toMatchObject({
      owner: bench.stack,
      running: true,
      createdAt: expect.stringMatching(/^20\d\d-.*Z$/),
      ports,
    });
  });
}

function describeConflicts(bench: Bench): void {
  test("a name that is taken is refused, saying by whom", async () => {
    const request = bench.request({ do: "stay" });
    await bench.engine.containers.create(request, bench.network);

    const again = bench.engine.containers.create(request, bench.network);

    await expect(again).rejects.toThrow(NameTakenError);
    await expect(again).rejects.toThrow(`belongs to "${bench.stack}"`);
  });

  test("a port that is taken is refused at the start, naming the container that holds it", async () => {
    const ports = [
      { hostIp: "127.0.0.1", hostPort: 28_312, containerPort: 80, protocol: "tcp" as const },
    ];
    await bench.run({ do: "stay" }, { ports });
    const second = { ports, name: `${bench.stack}-other-1` };

    const started = bench.run({ do: "stay" }, second);

    await expect(started).rejects.toThrow(PortTakenError);
    await expect(started).rejects.toThrow(
      `Port 28312 on 127.0.0.1 is already used by the container "${bench.stack}-llm-1"`,
    );
  });

  test("an image that the engine does not have is refused at creation", async () => {
    const request = bench.request({ do: "stay" }, { image: "nexus-test/nowhere:9" });

    await expect(bench.engine.containers.create(request, bench.network)).rejects.toThrow(
      ImageMissingError,
    );
  });

  test("what needs a container or a running one says so when it is missing", async () => {
    const id = await bench.engine.containers.create(bench.request({ do: "stay" }), bench.network);
    await expect(bench.exec(id, { do: "exit", code: 0 })).rejects.toThrow(ContainerNotRunningError);

    await bench.engine.containers.remove(id);
    await expect(bench.engine.containers.start(id)).rejects.toThrow(ContainerMissingError);
    await expect(bench.exec(id, { do: "exit", code: 0 })).rejects.toThrow(ContainerMissingError);
    await expect(bench.engine.containers.put(id, "/", [])).rejects.toThrow(ContainerMissingError);
  });
}

function describeEnds(bench: Bench): void {
  test("events tell a container's life in order, from the moment of the call", async () => {
    const events = eventsUntil(bench.engine, bench.stack, "die");
    await bench.run({ do: "exit", code: 7 });

    const seen = await events;

    expect(seen.map((event) => event.action)).toEqual(["create", "start", "die"]);
    expect(seen.at(-1)).toMatchObject({
      type: "container",
      name: `${bench.stack}-llm-1`,
      exitCode: 7,
    });
    expect(seen[0]?.timeNano).toBeLessThan(seen[2]?.timeNano ?? 0n);
    expect(await observed(bench)).toMatchObject({ state: "exited", exitCode: 7, oomKilled: false });
  });

  test("events end quietly when they are no longer wanted", async () => {
    const aborted = AbortSignal.abort();

    expect(await Array.fromAsync(bench.engine.events(bench.stack, aborted))).toEqual([]);
  });

  test("a container killed for its memory says so", async () => {
    const events = eventsUntil(bench.engine, bench.stack, "die");
    await bench.run({ do: "eat-memory" }, { limits: { pids: 256, memoryBytes: 32 * 1024 ** 2 } });

    expect((await events).at(-1)?.exitCode).toBe(137);
    expect(await observed(bench)).toMatchObject({
      state: "exited",
      exitCode: 137,
      oomKilled: true,
    });
  });

  test("a container that ignores being asked is killed after its grace", async () => {
    const id = await bench.run({ do: "ignore-stop" });

    await bench.engine.containers.stop(id, 1000);

    expect(await observed(bench)).toMatchObject({ state: "exited", exitCode: 137 });
  });
}

function describeUpdates(bench: Bench): void {
  test("limits and the restart policy change while a container runs", async () => {
    const id = await bench.run({ do: "stay" });
    const limits = { pids: 128, memoryBytes: 300 * 1024 ** 2 };

    await bench.engine.containers.update(id, { limits, restart: { name: "unless-stopped" } });
    expect(await observed(bench)).toMatchObject({ limits, restart: { name: "unless-stopped" } });

    await bench.engine.containers.update(id, {
      restart: { name: "on-failure", maximumRetryCount: 3 },
    });
    expect(await observed(bench)).toMatchObject({
      state: "running",
      limits,
      restart: { name: "on-failure", maximumRetryCount: 3 },
    });
  });
}
