import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Gate, type Entry, type Slot } from "../../src/gateway/admission/gate.ts";

const options = { maxWaiting: 1_000, maxWaitMs: 60_000 };
const staying = () => {};

describe("Gate", () => {
  test("whatever happens, no more run than may, nobody is lost, and an empty gate holds nothing", async () => {
    const command = fc.record({
      kind: fc.constantFrom("enter", "enter", "release", "leave", "limit", "release-twice"),
      pick: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 300 }), async (commands) => {
        const model = new Rehearsal(3);
        for (const { kind, pick } of commands) {
          model.perform(kind, pick);
          await settle();
          expect(model.gate.running).toBe(model.slots.size);
          expect(model.gate.running).toBeLessThanOrEqual(model.most);
        }
        await model.finish();
        expect([model.gate.running, model.gate.queued]).toEqual([0, 0]);
        expect(model.answered).toBe(model.asked);
      }),
      { numRuns: 200 },
    );
  });

  test("keys take turns, however many requests one of them has queued", async () => {
    const gate = new Gate(1, options);
    const first = expectSlot(await gate.enter("greedy", staying));
    const order: string[] = [];
    const queue = ["greedy", "greedy", "greedy", "modest", "greedy", "other"].map(async (key) => {
      const slot = expectSlot(await gate.enter(key, staying));
      order.push(key);
      slot.release();
    });
    first.release();
    await Promise.all(queue);
    expect(order).toEqual(["greedy", "modest", "other", "greedy", "greedy", "greedy"]);
  });

  test("a full queue refuses with a time that grows with what waits", async () => {
    let now = 0;
    const gate = new Gate(1, { maxWaiting: 2, maxWaitMs: 60_000, now: () => now });
    for (let turn = 0; turn < 50; turn += 1) {
      const slot = expectSlot(await gate.enter("k", staying));
      now += 4_000;
      slot.release();
    }
    await gate.enter("k", staying);
    void gate.enter("k", staying);
    void gate.enter("k", staying);
    const refused = await gate.enter("k", staying);
    const seconds = refused.kind === "refused" ? Math.round(refused.retryAfterMs / 1000) : 0;
    expect(refused).toMatchObject({ kind: "refused", reason: "queue_full" });
    expect(seconds).toBe(12);
  });

  test("who waits too long is refused and leaves no trace", async () => {
    const gate = new Gate(1, { maxWaiting: 5, maxWaitMs: 5 });
    await gate.enter("k", staying);
    expect(await gate.enter("k", staying)).toMatchObject({ reason: "queue_timeout" });
    expect(gate.queued).toBe(0);
  });

  test("a raised limit admits who waits", async () => {
    const gate = new Gate(1, options);
    await gate.enter("k", staying);
    const waiting = gate.enter("k", staying);
    gate.setLimit(2);
    expectSlot(await waiting);
    expect(gate.running).toBe(2);
  });
});

/** A gate, and a record of everybody who came to it. */
class Rehearsal {
  readonly gate: Gate;
  readonly slots = new Set<Slot>();
  readonly leaves = new Set<() => void>();
  most: number;
  asked = 0;
  answered = 0;
  #released: Slot | undefined;

  constructor(limit: number) {
    this.gate = new Gate(limit, options);
    this.most = limit;
  }

  perform(kind: string, pick: number): void {
    if (kind === "enter") this.#enter(`key-${pick % 4}`);
    if (kind === "release") this.#release(pick);
    if (kind === "release-twice") this.#released?.release();
    if (kind === "leave") nth(this.leaves, pick)?.();
    if (kind === "limit") {
      this.most = Math.max(this.most, 1 + (pick % 5));
      this.gate.setLimit(1 + (pick % 5));
    }
  }

  async finish(): Promise<void> {
    while (this.slots.size > 0) {
      this.#release(0);
      await settle();
    }
  }

  #enter(key: string): void {
    this.asked += 1;
    let leave: (() => void) | undefined;
    const entry = this.gate.enter(key, (one) => {
      leave = one;
      this.leaves.add(one);
    });
    void this.#record(entry).then(() => leave && this.leaves.delete(leave));
  }

  async #record(entering: Entry | Promise<Entry>): Promise<void> {
    const entry = await entering;
    this.answered += 1;
    if (entry.kind === "admitted") this.slots.add(entry.slot);
  }

  #release(pick: number): void {
    const slot = nth(this.slots, pick);
    if (!slot) return;
    this.slots.delete(slot);
    this.#released = slot;
    slot.release();
  }
}

function nth<Item>(items: ReadonlySet<Item>, pick: number): Item | undefined {
  return [...items][pick % Math.max(1, items.size)];
}

function expectSlot(entry: Entry): Slot {
  if (entry.kind !== "admitted") throw new Error(`not admitted: ${entry.kind}`);
  return entry.slot;
}

/** Lets everything that is already decided happen. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
