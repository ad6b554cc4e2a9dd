/** Containers of an engine in memory. */
import { Readable } from "node:stream";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import type {
  ArchiveEntry,
  ContainerRequest,
  Containers,
  ContainerStats,
  ExecOptions,
  Execution,
  LogLine,
  LogOptions,
  ObservedContainer,
  TakenFile,
} from "../../../src/engine/engine.ts";
import {
  ContainerMissingError,
  ContainerNotRunningError,
  ImageMissingError,
  NameTakenError,
  PortTakenError,
} from "../../../src/engine/errors.ts";
import { execution } from "./execution.ts";
import { lookAt } from "./observing.ts";
import type { Behaviour, Files, Held, World } from "./world.ts";

/** Containers that do what a behaviour says. */
export class InMemoryContainers implements Containers {
  readonly #world: World;
  readonly #behaviour: (request: ContainerRequest) => Behaviour;

  constructor(world: World, behaviour: (request: ContainerRequest) => Behaviour) {
    this.#world = world;
    this.#behaviour = behaviour;
  }

  async create(request: ContainerRequest, networkId: string): Promise<string> {
    const { name, image } = request;
    this.#world.record(`containers.create ${name}`, { writes: true });
    const found = this.#world.images.get(image);
    if (found === undefined) throw new ImageMissingError(image);
    this.#refuseTakenName(name);
    const held = newlyHeld({
      id: this.#world.nextId(),
      request,
      imageId: found.id,
      behaviour: this.#behaviour(request),
    });
    held.networks.set(networkId, request.network.aliases);
    this.#world.containers.set(held.id, held);
    this.#world.announce(held, "create");
    return held.id;
  }

  #refuseTakenName(name: string): void {
    const holder = [...this.#world.containers.values()].find((held) => held.request.name === name);
    if (holder === undefined) return;
    const { image, identity } = holder.request;
    throw new NameTakenError("container", name, { id: holder.id, image, owner: identity.stack });
  }

  async start(id: string): Promise<void> {
    this.#world.record(`containers.start ${this.#nameOf(id)}`, { writes: true });
    const held = this.#held(id);
    if (held.state === "running") return;
    this.#refuseTakenPorts(held);
    const { startError, output = [], exit } = held.behaviour;
    if (startError !== undefined) {
      held.error = startError.message;
      throw startError;
    }
    Object.assign(held, {
      state: "running",
      startedAt: new Date().toISOString(),
      finishedAt: "",
      exitCode: 0,
    });
    this.#world.announce(held, "start");
    for (const line of output) held.log.push({ ...line, timestamp: new Date().toISOString() });
    if (exit !== undefined)
      held.end = setTimeout(() => this.#end(held, exit.code, exit.oomKilled), exit.afterMs ?? 0);
  }

  #refuseTakenPorts({ id, request }: Held): void {
    for (const other of this.#world.containers.values()) {
      if (other.id === id || other.state !== "running") continue;
      const taken = request.ports.find((port) =>
        other.request.ports.some((held) => held.hostPort === port.hostPort),
      );
      const { name, image, identity } = other.request;
      if (taken !== undefined)
        throw new PortTakenError(taken.hostIp, taken.hostPort, {
          kind: "container",
          name,
          image,
          owner: identity.stack,
        });
    }
  }

  #end(held: Held, exitCode: number, oomKilled = false): void {
    clearTimeout(held.end);
    Object.assign(held, {
      state: "exited",
      exitCode,
      oomKilled,
      finishedAt: new Date().toISOString(),
    });
    if (oomKilled) this.#world.announce(held, "oom");
    this.#world.announce(held, "die", exitCode);
  }

  async stop(id: string, _graceMs: number): Promise<void> {
    this.#world.record(`containers.stop ${this.#nameOf(id)}`, { writes: true });
    const held = this.#world.containers.get(id);
    if (held?.state !== "running") return;
    this.#end(held, held.behaviour.ignoresStop === true ? 137 : 0);
    this.#world.announce(held, "stop");
  }

  /** By its id or, as engines take it, its name. */
  async remove(id: string): Promise<void> {
    this.#world.record(`containers.remove ${this.#nameOf(id)}`, { writes: true });
    const { containers } = this.#world;
    const named = [...containers.values()].find(({ request }) => request.name === id);
    const held = containers.get(id) ?? named;
    if (held === undefined) return;
    if (held.state === "running") this.#end(held, 137);
    containers.delete(held.id);
    this.#world.announce(held, "destroy");
  }

  async restart(id: string, graceMs: number): Promise<void> {
    await this.stop(id, graceMs);
    await this.start(id);
  }

  async update(id: string, change: Parameters<Containers["update"]>[1]): Promise<void> {
    this.#world.record(`containers.update ${this.#nameOf(id)}`, { writes: true });
    const held = this.#held(id);
    held.limits = { ...held.limits, ...change.limits };
    held.restart = change.restart ?? held.restart;
    this.#world.announce(held, "update");
  }

  async inspect(id: string): Promise<ObservedContainer | undefined> {
    this.#world.record(`containers.inspect ${this.#nameOf(id)}`, { writes: false });
    const held = this.#world.containers.get(id);
    return held === undefined ? undefined : lookAt(this.#world, held);
  }

  async *logs(id: string, options: LogOptions, signal?: AbortSignal): AsyncGenerator<LogLine> {
    const held = this.#held(id);
    let next = options.tail === undefined ? 0 : Math.max(0, held.log.length - options.tail);
    for (;;) {
      for (; next < held.log.length; next += 1) yield* shown(held.log[next], options);
      if (options.follow !== true || held.state !== "running" || signal?.aborted === true) return;
      await this.#world.change(signal);
    }
  }

  async exec(id: string, command: readonly string[], _options?: ExecOptions): Promise<Execution> {
    this.#world.record(`containers.exec ${this.#nameOf(id)} ${command.join(" ")}`, {
      writes: false,
    });
    const held = this.#held(id);
    if (held.state !== "running") throw new ContainerNotRunningError(held.request.name);
    return execution((stdin) => held.behaviour.exec?.(command, stdin, this.#filesOf(held)) ?? {});
  }

  async *stats(id: string, signal?: AbortSignal): AsyncGenerator<ContainerStats> {
    const held = this.#held(id);
    while (held.state === "running") {
      const memoryLimitBytes = held.limits.memoryBytes ?? 0;
      yield {
        cpuPercent: 0,
        memoryBytes: 0,
        memoryLimitBytes,
        networkRxBytes: 0,
        networkTxBytes: 0,
        pids: 1,
      };
      await this.#world.change(signal);
      if (signal?.aborted === true) return;
    }
  }

  async put(id: string, path: string, entries: readonly ArchiveEntry[]): Promise<void> {
    this.#world.record(`containers.put ${this.#nameOf(id)} ${path}`, { writes: true });
    const held = this.#held(id);
    for (const entry of entries) {
      if ("directory" in entry) continue;
      const content =
        "content" in entry ? Buffer.from(entry.content) : await readFile(entry.source);
      this.#place(held, posix.join(path, entry.path), content.toString("latin1"));
    }
  }

  async *take(id: string, path: string): AsyncGenerator<TakenFile> {
    const files = [...this.#filesOf(this.#held(id))];
    for (const [file, content] of files) {
      if (file !== path && !file.startsWith(`${path}/`)) continue;
      const bytes = Buffer.from(content, "latin1");
      const taken = posix.relative(posix.dirname(path), file);
      yield { path: taken, bytes: bytes.length, content: Readable.from([bytes]) };
    }
  }

  #place(held: Held, path: string, content: string): void {
    const mount = held.request.mounts.find(({ target }) => path.startsWith(`${target}/`));
    const volume = mount?.kind === "volume" ? this.#world.volumes.get(mount.source) : undefined;
    if (mount === undefined || volume === undefined) held.files.set(path, content);
    else volume.files.set(path.slice(mount.target.length), content);
  }

  #filesOf({ files, request }: Held): Files {
    const mounted = request.mounts.flatMap((mount) => {
      const volume = mount.kind === "volume" ? this.#world.volumes.get(mount.source) : undefined;
      return [...(volume?.files ?? [])].map(
        ([path, content]) => [`${mount.target}${path}`, content] as const,
      );
    });
    return new Map([...files, ...mounted]);
  }

  #held(id: string): Held {
    const held = this.#world.containers.get(id);
    if (held === undefined) throw new ContainerMissingError(id);
    return held;
  }

  #nameOf(id: string): string {
    return this.#world.containers.get(id)?.request.name ?? id;
  }
}

function newlyHeld(parts: Pick<Held, "id" | "request" | "imageId" | "behaviour">): Held {
  return {
    ...parts,
    networks: new Map(),
    files: new Map(),
    log: [],
    createdAt: new Date().toISOString(),
    state: "created",
    exitCode: 0,
    oomKilled: false,
    error: "",
    startedAt: "",
    finishedAt: "",
    restart: { name: "no" },
    limits: parts.request.limits,
  };
}

function* shown(line: LogLine | undefined, { timestamps }: LogOptions): Generator<LogLine> {
  if (line === undefined) return;
  const { timestamp: _timestamp, ...bare } = line;
  yield timestamps === true ? line : bare;
}
