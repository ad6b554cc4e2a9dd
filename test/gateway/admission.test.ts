import { describe, expect, test } from "vitest";
import { Gate, type Entry, type Slot } from "../../src/gateway/admission/gate.ts";
import { Hall } from "../../src/gateway/admission/hall.ts";
import { testClock } from "../support/clock.ts";

const staying = () => {};

function open(limit: number, options: Readonly<{ maxWaiting?: number }> = {}) {
  const clock = testClock();
  const hall = new Hall<Entry>({ maxWaiting: 1_000, maxWaitMs: 60_000, clock, ...options });
  const another = (most?: number) => {
    const gate = new Gate(hall);
    gate.setLimit(most);
    return gate;
  };
  return { clock, hall, gate: another(limit), another };
}

const enter = (gate: Gate, key = "k") => gate.enter({ key, onLeave: staying });

describe("Gate", () => {
  test("keys take turns, however many requests one of them has queued", async () => {
    const { gate } = open(1);
    const first = expectSlot(await enter(gate, "greedy"));
    const order: string[] = [];
    const queue = ["greedy", "greedy", "greedy", "modest", "greedy", "other"].map(async (key) => {
      const slot = expectSlot(await enter(gate, key));
      order.push(key);
      slot.release();
    });
    first.release();
    await Promise.all(queue);
    expect(order).toEqual(["modest", "other", "greedy", "greedy", "greedy", "greedy"]);
  });

  test("a full queue refuses with a time that grows with what waits", async () => {
    const { gate, clock } = open(1, { maxWaiting: 2 });
    for (let turn = 0; turn < 50; turn += 1) {
      const slot = expectSlot(await enter(gate));
      clock.advance(4_000);
      slot.release();
    }
    await enter(gate);
    void enter(gate);
    void enter(gate);
    const refused = await enter(gate);
    const seconds = refused.kind === "refused" ? Math.round(refused.retryAfterMs / 1000) : 0;
    expect(refused).toMatchObject({ kind: "refused", reason: "queue_full" });
    expect(seconds).toBe(12);
  });

  test("a key that fills the queue makes room for one that asks for little", async () => {
    const { gate } = open(1, { maxWaiting: 3 });
    const running = expectSlot(await enter(gate, "greedy"));
    const greedy = [enter(gate, "greedy"), enter(gate, "greedy"), enter(gate, "greedy")];
    const modest = enter(gate, "modest");
    expect(await greedy[2]).toMatchObject({ kind: "refused", reason: "queue_full" });
    running.release();
    expectSlot(await modest).release();
    expectSlot((await greedy[0]) ?? { kind: "left" });
    expect(gate.queued).toBe(1);
  });

  test("who waits too long is refused and leaves no trace", async () => {
    const { gate, clock } = open(1);
    await enter(gate);
    const late = enter(gate);
    clock.advance(60_000);
    expect(await late).toMatchObject({ kind: "refused", reason: "queue_timeout" });
    expect([gate.queued, clock.pending()]).toEqual([0, 0]);
  });

  test("nobody waits longer than he said he would", async () => {
    const { gate, clock } = open(1);
    await enter(gate);
    const hasty = gate.enter({ key: "k", onLeave: staying, patienceMs: 3_000 });
    clock.advance(2_999);
    expect(gate.queued).toBe(1);
    expect(gate.oldestMs).toBe(2_999);
    clock.advance(1);
    expect(await hasty).toMatchObject({ kind: "refused", reason: "queue_timeout" });
  });

  test("a raised limit admits who waits", async () => {
    const { gate } = open(1);
    await enter(gate);
    const waiting = enter(gate);
    gate.setLimit(2);
    expectSlot(await waiting);
    expect(gate.running).toBe(2);
  });
});

describe("gates that share a limit", () => {
  const gpu = (id: number, most = 1) => ({ name: `gpu ${id}`, max_concurrency: most });

  test("together let in no more than it, and take turns by key", async () => {
    const { gate: chat, another } = open(5);
    const images = another();
    for (const gate of [chat, images]) gate.share([gpu(0)]);
    const first = expectSlot(await enter(chat, "greedy"));
    const order: string[] = [];
    const entering = [chat, chat, images, images].map(async (gate, index) => {
      const key = index === 3 ? "modest" : "greedy";
      const slot = expectSlot(await enter(gate, key));
      order.push(`${key} ${gate === chat ? "chat" : "images"}`);
      slot.release();
    });
    expect([chat.running, images.running]).toEqual([1, 0]);
    first.release();
    await Promise.all(entering);
    expect(order).toEqual(["modest images", "greedy chat", "greedy chat", "greedy images"]);
  });

  test("one that is full itself does not keep the others out", async () => {
    const { gate: full, another } = open(1);
    const free = another();
    for (const gate of [full, free]) gate.share([gpu(0, 2)]);
    await enter(full);
    void enter(full);
    expectSlot(await enter(free));
    expect([full.queued, free.running]).toEqual([1, 1]);
  });

  test("who needs two GPUs gets his turn while others keep each of them busy", async () => {
    const { gate: both, another } = open(1);
    const [left, right] = [another(), another()];
    both.share([gpu(0), gpu(1)]);
    left.share([gpu(0)]);
    right.share([gpu(1)]);
    const holding = [await enter(left), await enter(right)].map(expectSlot);
    const patient = enter(both, "patient");
    const rivals = [enter(left), enter(right)];
    holding[0]?.release();
    expect(left.running).toBe(0);
    holding[1]?.release();
    expectSlot(await patient).release();
    for (const rival of rivals) expectSlot(await rival);
  });

  test("a place that was kept free for somebody is free again when he leaves", async () => {
    const { gate: both, another } = open(1);
    const [left, right] = [another(), another()];
    both.share([gpu(0), gpu(1)]);
    left.share([gpu(0)]);
    right.share([gpu(1)]);
    await enter(left);
    let leave = staying;
    void both.enter({ key: "a", onLeave: (one) => (leave = one) });
    const kept = enter(right);
    expect(right.running).toBe(0);
    leave();
    expectSlot(await kept);
  });

  test("what runs under a limit counts until it ends, whoever shares it by then", async () => {
    const { gate, another, hall } = open(5);
    gate.share([gpu(0)]);
    const running = expectSlot(await enter(gate));
    gate.share([]);
    const heir = another();
    heir.share([gpu(0)]);
    const waiting = enter(heir);
    expect(heir.queued).toBe(1);
    running.release();
    expectSlot(await waiting).release();
    heir.share([]);
    expect(hall.sharedLimits).toEqual([]);
  });
});

function expectSlot(entry: Entry): Slot {
  if (entry.kind !== "admitted") throw new Error(`not admitted: ${entry.kind}`);
  return entry.slot;
}
