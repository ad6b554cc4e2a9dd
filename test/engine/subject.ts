/** An engine under the contract, and a stack of its own for every test. */
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { ContainerRequest, Engine, EngineEvent, Execution } from "../../src/engine/engine.ts";

/** What a container, or a process inside one, is to do. */
export type Program = Readonly<
  | { do: "stay" }
  | { do: "exit"; code: number }
  | { do: "print"; stdout: string; stderr: string }
  | { do: "eat-memory" }
  | { do: "ignore-stop" }
  /** Copies stdin to stdout, says `done` on stderr and exits with `code`. */
  | { do: "echo"; code: number }
  | { do: "read"; path: string }
>;

/** An engine to hold to the contract, and how its containers are told what to do. */
export type Subject = Readonly<{
  connect: () => Promise<Engine>;
  /** An image that the engine has, or can pull. */
  image: string;
  command: (program: Program) => readonly string[];
}>;

/** What every test of the contract works with. */
export type Bench = {
  engine: Engine;
  stack: string;
  network: string;
  /** A request for a container of this stack that runs `program`. */
  request: (program: Program, change?: Partial<ContainerRequest>) => ContainerRequest;
  /** Creates and starts it. */
  run: (program: Program, change?: Partial<ContainerRequest>) => Promise<string>;
  exec: (id: string, program: Program) => Promise<Execution>;
};

/** Connects once, and gives every test a stack and its network, removed afterwards. */
export function setUpBench(subject: Subject): Bench {
  const bench = {} as Bench;
  beforeAll(async () => {
    bench.engine = await subject.connect();
    await Array.fromAsync(bench.engine.images.pull(subject.image));
  });
  beforeEach(async () => {
    Object.assign(bench, tools(subject, bench));
    bench.network = await bench.engine.networks.create({
      name: bench.stack,
      stack: bench.stack,
      internal: false,
    });
  });
  afterEach(async () => clear(bench.engine, bench.stack));
  afterAll(() => bench.engine.close());
  return bench;
}

function tools({ image, command }: Subject, bench: Bench): Partial<Bench> {
  const stack = `contract-${randomUUID().slice(0, 8)}`;
  const request: Bench["request"] = (program, change = {}) => ({
    ...plainRequest(stack),
    image,
    entrypoint: [...command(program)],
    ...change,
  });
  const run: Bench["run"] = async (program, change) => {
    const id = await bench.engine.containers.create(request(program, change), bench.network);
    await bench.engine.containers.start(id);
    return id;
  };
  const exec: Bench["exec"] = async (id, program) =>
    bench.engine.containers.exec(id, command(program));
  return { stack, request, run, exec };
}

/** A hardened request without image and command. */
export function plainRequest(stack: string): Omit<ContainerRequest, "image"> {
  return {
    name: `${stack}-llm-1`,
    identity: {
      stack,
      service: "llm",
      role: "service",
      generation: 1,
      configHash: "1-abc",
      version: "0.1.0",
    },
    environment: {},
    readOnly: true,
    init: true,
    capAdd: [],
    capDrop: ["ALL"],
    noNewPrivileges: true,
    mounts: [],
    network: { name: stack, aliases: ["llm"] },
    ports: [],
    devices: [],
    groupAdd: [],
    extraHosts: [],
    limits: { pids: 256, memoryBytes: 256 * 1024 ** 2 },
    restart: { name: "unless-stopped" },
    labels: {},
    stopGraceMs: 2000,
  };
}

async function clear(engine: Engine, stack: string): Promise<void> {
  const { containers, networks, volumes } = await engine.observe(stack, []);
  await Promise.all(containers.map(async ({ id }) => engine.containers.remove(id)));
  await Promise.all(
    networks
      .filter((each) => each.stack === stack)
      .map(async ({ id }) => engine.networks.remove(id)),
  );
  const own = volumes.filter((volume) => volume.stack === stack);
  await Promise.all(own.map(async ({ name }) => engine.volumes.remove(name)));
}

/** Reads events until `last` is among their actions; the stream is closed afterwards. */
export async function eventsUntil(
  engine: Engine,
  stack: string,
  last: string,
): Promise<readonly EngineEvent[]> {
  const stop = new AbortController();
  const seen: EngineEvent[] = [];
  for await (const event of engine.events(stack, stop.signal)) {
    seen.push(event);
    if (event.action === last) stop.abort();
  }
  return seen;
}

/** What a process wrote, and how it ended, with `input` on its stdin. */
export async function finish(
  execution: Execution,
  input = "",
): Promise<Readonly<{ stdout: string; stderr: string; exitCode: number }>> {
  execution.stdin.end(input);
  const [stdout, stderr, exitCode] = await Promise.all([
    text(execution.stdout),
    text(execution.stderr),
    execution.exitCode,
  ]);
  return { stdout, stderr, exitCode };
}
