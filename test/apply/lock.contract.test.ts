import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectEngine } from "../../src/engine/connect.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { contend, placeDead, volumesOf } from "./lock-subject.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await connectEngine({ environment: process.env });
});
afterAll(() => engine.close());

test("on a real engine, too, exactly one of twenty contenders has the lock at any time", async () => {
  const stack = `lock-${randomUUID().slice(0, 8)}`;

  expect(await contend(engine, stack, { contenders: 20, times: 2 })).toBe(1);
  expect(await volumesOf(engine, stack)).toEqual([]);
});

test("on a real engine, too, one at a time takes over from owners that died", async () => {
  const stack = `lock-${randomUUID().slice(0, 8)}`;
  const dead = await placeDead(engine, stack);
  await placeDead(engine, stack, { claimOn: dead });

  expect(await contend(engine, stack, { contenders: 8, times: 2 })).toBe(1);
  expect(await volumesOf(engine, stack)).toEqual([]);
});
