import { expect, test } from "vitest";
import { Gate, type Entry, type Slot } from "../../src/gateway/admission/gate.ts";
import { Hall } from "../../src/gateway/admission/hall.ts";
import { seededRandom, testClock } from "../support/clock.ts";

const events = Number(process.env["NEXUS_TEST_EVENTS"] ?? 1_000_000);

test(`${events} random events leak no slot, lose no wake-up and stay fair`, async () => {
  const seed = Number(process.env["NEXUS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const bustle = new Bustle(seed);
  for (let event = 0; event < events; event += 1) {
    bustle.next();
    await Promise.resolve();
    bustle.check();
  }
  await bustle.finish();
  expect(bustle.summary()).toEqual({ seed, unanswered: 0, running: 0, queued: 0, timers: 0 });
  expect(bustle.kinds).toEqual(new Set(["admitted", "queue_full", "queue_timeout", "left"]));
}, 60_000);

type Pending = { key: string; since: number; leave: (() => void) | undefined };

/** One gate as the model knows it. */
class Booth {
  readonly gate: Gate;
  readonly name: string;
  readonly gpus: readonly number[];
  readonly slots: Slot[] = [];
  readonly pending = new Set<Pending>();
  /** When each key was let in last, in events. */
  readonly turns = new Map<string, number>();
  limit: number | undefined = 2;

  constructor(name: string, gpus: readonly number[], hall: Hall<Entry>) {
    this.name = name;
    this.gpus = gpus;
    this.gate = new Gate(hall);
    this.gate.setLimit(this.limit);
  }

  get hasRoom(): boolean {
    return this.limit === undefined || this.gate.running < this.limit;
  }
}

/** Gates on two GPUs and beside them, and everybody who comes and goes. */
class Bustle {
  readonly kinds = new Set<string>();
  readonly #seed: number;
  readonly #random: () => number;
  readonly #clock = testClock();
  readonly #hall = new Hall<Entry>({ maxWaiting: 6, maxWaitMs: 500, clock: this.#clock });
  readonly #gpuLimits = [2, 3];
  readonly #booths: readonly Booth[] = [
    new Booth("alone", [], this.#hall),
    new Booth("chat", [0], this.#hall),
    new Booth("images", [0], this.#hall),
    new Booth("large", [0, 1], this.#hall),
    new Booth("speech", [1], this.#hall),
  ];
  #event = 0;
  #unanswered = 0;
  #wrong: string | undefined;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#share();
  }

  next(): void {
    this.#event += 1;
    const booth = this.#pick(this.#booths);
    const dice = this.#random();
    if (dice < 0.45) this.#enter(booth);
    else if (dice < 0.85) this.#release(booth);
    else if (dice < 0.93) this.#leave(booth);
    else if (dice < 0.98) this.#clock.advance(Math.floor(this.#random() * 60));
    else if (dice < 0.995) this.#relimit(booth);
    else this.#relimitGpu();
  }

  /** What has to be true after every event. */
  check(): void {
    for (const booth of this.#booths) {
      if (booth.gate.running !== booth.slots.length) this.#fail(`${booth.name} leaks`);
      if (booth.gate.queued !== booth.pending.size) this.#fail(`${booth.name} forgets`);
      if (this.#couldEnter(booth)) this.#fail(`${booth.name} sleeps`);
    }
    for (const { name, running } of this.#hall.sharedLimits) {
      if (running !== this.#runningOn(Number(name))) this.#fail(`GPU ${name} leaks`);
    }
    if (this.#wrong !== undefined) throw new Error(this.#wrong);
  }

  /** Everybody goes home. */
  async finish(): Promise<void> {
    while (this.#booths.some(({ slots }) => slots.length > 0)) {
      for (const booth of this.#booths) this.#release(booth);
      await Promise.resolve();
      this.check();
    }
  }

  summary(): Readonly<Record<string, number>> {
    const sum = (read: (booth: Booth) => number) =>
      this.#booths.reduce((all, booth) => all + read(booth), 0);
    const shared = this.#hall.sharedLimits.reduce((all, { running }) => all + running, 0);
    return {
      seed: this.#seed,
      unanswered: this.#unanswered,
      running: sum(({ gate }) => gate.running) + shared,
      queued: sum(({ gate }) => gate.queued),
      timers: this.#clock.pending(),
    };
  }

  #enter(booth: Booth): void {
    const pending: Pending = {
      key: `key-${Math.floor(this.#random() * 4)}`,
      since: this.#event,
      leave: undefined,
    };
    this.#unanswered += 1;
    booth.pending.add(pending);
    const entry = booth.gate.enter({
      key: pending.key,
      onLeave: (leave) => (pending.leave = leave),
      patienceMs: this.#random() < 0.2 ? 100 : undefined,
    });
    if (entry instanceof Promise) void entry.then((came) => this.#answered(booth, pending, came));
    else this.#answered(booth, pending, entry);
  }

  #answered(booth: Booth, pending: Pending, entry: Entry): void {
    this.#unanswered -= 1;
    booth.pending.delete(pending);
    this.kinds.add(entry.kind === "refused" ? entry.reason : entry.kind);
    if (entry.kind !== "admitted") return;
    booth.slots.push(entry.slot);
    this.#checkLimits(booth);
    if (booth.gpus.length === 0) this.#checkTurn(booth, pending);
    booth.turns.set(pending.key, this.#event);
  }

  #checkLimits(booth: Booth): void {
    if (booth.limit !== undefined && booth.gate.running > booth.limit) {
      this.#fail(`${booth.name} is too full`);
    }
    for (const gpu of booth.gpus) {
      if (this.#runningOn(gpu) > (this.#gpuLimits[gpu] ?? 0)) this.#fail(`GPU ${gpu} is too full`);
    }
  }

  /** Between two turns of one key, every other key that waits all the while has one. */
  #checkTurn({ turns, pending: waiting }: Booth, { key }: Pending): void {
    const before = turns.get(key) ?? -1;
    for (const other of waiting) {
      if (other.key === key || before === -1 || other.since >= before) continue;
      if ((turns.get(other.key) ?? -1) < before) this.#fail(`${other.key} starves`);
    }
  }

  /** Whether somebody waits although everything that he needs is free and kept for nobody. */
  #couldEnter(booth: Booth): boolean {
    if (booth.pending.size === 0 || !booth.hasRoom) return false;
    const isFree = (gpu: number) => this.#runningOn(gpu) < (this.#gpuLimits[gpu] ?? 0);
    const isKept = (gpu: number) =>
      this.#booths.some(
        (other) =>
          other !== booth &&
          other.gpus.length > 1 &&
          other.gpus.includes(gpu) &&
          other.pending.size > 0 &&
          other.hasRoom,
      );
    return booth.gpus.every((gpu) => isFree(gpu) && !isKept(gpu));
  }

  #release(booth: Booth): void {
    const at = Math.floor(this.#random() * booth.slots.length);
    const [slot] = booth.slots.splice(at, 1);
    slot?.release();
    if (this.#random() < 0.1) slot?.release();
  }

  #leave({ pending }: Booth): void {
    if (pending.size > 0) this.#pick([...pending]).leave?.();
  }

  #relimit(booth: Booth): void {
    const limit = Math.floor(this.#random() * 5);
    booth.limit = limit === 0 ? undefined : limit;
    booth.gate.setLimit(booth.limit);
  }

  #relimitGpu(): void {
    const gpu = Math.floor(this.#random() * this.#gpuLimits.length);
    this.#gpuLimits[gpu] = 1 + Math.floor(this.#random() * 4);
    this.#share();
  }

  #share(): void {
    for (const { gate, gpus } of this.#booths) {
      gate.share(
        gpus.map((gpu) => ({
          name: String(gpu),
          max_concurrency: this.#gpuLimits[gpu] ?? 0,
        })),
      );
    }
  }

  #runningOn(gpu: number): number {
    return this.#booths
      .filter(({ gpus }) => gpus.includes(gpu))
      .reduce((sum, { gate }) => sum + gate.running, 0);
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  }

  /** Told at the end of the event: some of this is found out where nobody would hear an error. */
  #fail(what: string): void {
    this.#wrong ??= `${what} at event ${this.#event} with NEXUS_TEST_SEED=${this.#seed}`;
  }
}
