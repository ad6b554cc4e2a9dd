/** A process that ends at any change: the disk, the engine and the old host that it works with. */
import { cpSync, readdirSync, statSync } from "node:fs";
import { appendFile, copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Disk, realDisk } from "../../../src/migrate/applying/disk.ts";
import type { FoundUnit } from "../../../src/migrate/inventory.ts";
import type { SourceTree } from "../../../src/migrate/source/tree.ts";
import { SimulatedEngine } from "../../apply/simulated-stack.ts";

/** The process came to its end. */
export class Killed extends Error {
  override name = "Killed";
}

/** Counts changes, and ends the process at one of them: from then on it changes nothing any more. */
export class Fate {
  #left: number;
  #dead = false;

  constructor(changes = Infinity) {
    this.#left = changes;
  }

  get struck(): boolean {
    return this.#dead;
  }

  /** Before every change, which is after the one before it. */
  beat(): void {
    this.#left -= 1;
    if (this.#left <= 0) this.#dead = true;
    if (this.#dead) throw new Killed("killed");
  }
}

const changes = ["makeFolder", "cut", "write", "move", "linkNew", "remove", "removeEmpty"] as const;

/** The real disk of a process with a fate; a line that it dies at is torn. */
export function mortalDisk(fate: Fate): Disk {
  const disk = { ...realDisk } as Record<string, (...args: never[]) => Promise<unknown>>;
  for (const name of changes) {
    const call = disk[name];
    disk[name] = async (...args) => {
      fate.beat();
      return call?.(...args);
    };
  }
  const append = async (path: string, text: string): Promise<void> => {
    try {
      fate.beat();
    } catch (error) {
      await appendFile(path, text.slice(0, text.length / 2));
      throw error;
    }
    await appendFile(path, text);
  };
  return { ...(disk as unknown as Disk), append };
}

/** An engine that the processes of several lives talk to. */
export class PatientEngine extends SimulatedEngine {
  fate = new Fate();
  /** While a stack changes, which has its own tests of being killed. */
  exempt = false;

  constructor() {
    super();
    const { containers, volumes, networks } = this;
    this.#mortal(containers, ["create", "start", "stop", "remove", "update", "put"]);
    this.#mortal(volumes, ["create", "remove"]);
    this.#mortal(networks, ["create", "connect", "disconnect", "remove"]);
    this.before = () => this.#beat();
  }

  /** Locks are exempt: a process of another life is this very one here, and would seem to hold them still. */
  #mortal(part: object, names: readonly string[]): void {
    const calls = part as Record<string, (...args: unknown[]) => Promise<unknown>>;
    for (const name of names) {
      const call = calls[name]?.bind(part);
      calls[name] = async (...args) => {
        if (JSON.stringify(args[0]).includes("nexus-lock-")) return call?.(...args);
        this.#beat();
        return call?.(...args);
      };
    }
  }

  #beat(): void {
    if (!this.exempt) this.fate.beat();
  }

  /** A change of the stack, as one change. */
  async change<Result>(work: () => Promise<Result>): Promise<Result> {
    this.fate.beat();
    this.exempt = true;
    return work().finally(() => (this.exempt = false));
  }

  /** Everything that it has, in words. */
  get objects(): readonly string[] {
    const { containers, networks, volumes } = this.world;
    return [
      ...[...containers.values()].map(({ request, state }) => `${request.name} ${state}`),
      ...[...networks.values()].map(({ name }) => `network ${name}`),
      ...[...volumes.values()].map(
        ({ name, files }) => `volume ${name} ${[...files.keys()].toSorted().join(" ")}`,
      ),
    ].toSorted();
  }
}

/** A host whose files lie in a folder. */
export class FolderHost implements SourceTree {
  readonly host = "ai2";
  readonly live = false;
  readonly stopped = new Set<string>();
  readonly root: string;
  fate = new Fate();

  constructor(root: string) {
    this.root = root;
  }

  async entry(path: string) {
    const found = statSync(join(this.root, path), { throwIfNoEntry: false });
    return (
      found && {
        path,
        kind: found.isDirectory() ? ("folder" as const) : ("file" as const),
        bytes: found.size,
      }
    );
  }

  async list(path: string) {
    const names = readdirSync(join(this.root, path)).toSorted();
    return (await Promise.all(names.map((name) => this.entry(`${path}/${name}`)))).flatMap(
      (entry) => entry ?? [],
    );
  }

  async read(path: string) {
    return { kind: "file" as const, bytes: await readFile(join(this.root, path)) };
  }

  async measure() {
    return { files: 0, bytes: 0 };
  }

  async fetch(path: string, to: string): Promise<void> {
    this.fate.beat();
    cpSync(join(this.root, path), to, { recursive: true });
  }

  async backup(path: string, to: string): Promise<void> {
    this.fate.beat();
    await copyFile(join(this.root, path), to);
  }

  async look() {
    return undefined;
  }

  unread() {
    return [];
  }

  async running({ name }: FoundUnit) {
    return !this.stopped.has(name);
  }

  async switch({ name }: FoundUnit, to: "stopped" | "started"): Promise<void> {
    this.fate.beat();
    if (to === "stopped") this.stopped.add(name);
    else this.stopped.delete(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
