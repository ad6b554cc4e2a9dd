import { expect, test } from "vitest";
import type { MigrationPlan, Step } from "../../src/migrate/migration-plan.ts";
import { migrationLines } from "../../src/terminal/migration-progress.ts";

const step: Step = { id: "up", title: "Bring the stack up", kind: "up" };
const plan = {} as MigrationPlan;
const progress = {
  kind: "progress",
  step,
  progress: { subject: "models/a", bytes: { done: 5_000_000, total: 9_000_000 } },
} as const;

test("each step has a line, and a long one says every few seconds how far it is", () => {
  const line = migrationLines();
  expect([
    line({ kind: "resumed", plan, done: 3, of: 9 }, 0),
    line({ kind: "started", step, number: 4, of: 9 }, 10),
    line(
      {
        ...progress,
        progress: { subject: "models/a", bytes: { done: 1_000_000, total: 9_000_000 } },
      },
      20,
    ),
    line(progress, 4020),
    line(progress, 5000),
    line({ kind: "finished", step, durationMs: 6000 }, 6010),
    line({ kind: "finished", step, durationMs: 20 }, 6030),
    line({ kind: "undoing", title: "take the stack home down" }, 6040),
  ]).toEqual([
    "Going on with the migration that was begun: 3 of 9 steps done.",
    "[4/9] Bring the stack up",
    undefined,
    "      models/a · 55 % · 5/9 MB · 1 MB/s · 4 s left",
    undefined,
    "      done in 6 s",
    undefined,
    "Take the stack home down",
  ]);
});

test("speed is counted anew for another amount, and never below nothing", () => {
  const line = migrationLines();
  const at = (subject: string, done: number, total: number, nowMs: number) =>
    line({ kind: "progress", step, progress: { subject, bytes: { done, total } } }, nowMs);
  at("image", 0, 100, 0);
  expect(at("image", 90, 100, 9_000)).toBe("      image · 90 % · 90/100 B · 10 B/s · 1 s left");
  expect(at("models/a", 0, 50, 18_000)).toBe("      models/a · 0 % · 0/50 B");
});
