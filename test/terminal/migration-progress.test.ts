import { expect, test } from "vitest";
import type { MigrationReport } from "../../src/migrate/applying/events.ts";
import type { MigrationPlan, Step } from "../../src/migrate/migration-plan.ts";
import { formatMigrationReport, migrationLines } from "../../src/terminal/migration-progress.ts";

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
    line(progress, 20),
    line(progress, 4000),
    line(progress, 5000),
    line({ kind: "finished", step, durationMs: 6000 }, 6010),
    line({ kind: "finished", step, durationMs: 20 }, 6030),
    line({ kind: "undoing", title: "take the stack home down" }, 6040),
  ]).toEqual([
    "Going on with the migration that was begun: 3 of 9 steps done.",
    "[4/9] Bring the stack up",
    undefined,
    "      models/a, 5 MB of 9 MB",
    undefined,
    "      done in 6 s",
    undefined,
    "Take the stack home down",
  ]);
});

const report: MigrationReport = {
  stack: "home",
  file: "/home/me/nexus.yaml",
  finishedBefore: false,
  checks: [{ id: "key old", outcome: "passed", detail: "It is there" }],
  verified: true,
  stopped: [],
};

test("the report names what failed and what nobody could look at, and what to do", () => {
  expect(formatMigrationReport(report)).toBe(
    `✔ Migrated: /home/me/nexus.yaml
  1 check passed, 0 failed, 0 skipped.
  Take all of it back with \`nexus migrate --rollback\`.`,
  );
  const failed = { id: "alias fast", outcome: "failed", detail: "Nobody answers" } as const;
  const text = formatMigrationReport({ ...report, checks: [failed], verified: false });
  expect(text).toContain("✘ alias fast: Nobody answers");
  expect(text).toContain("run the same `nexus migrate` again");
});

test("a migration that was finished before says so, and stopped services can be started again", () => {
  const text = formatMigrationReport({ ...report, finishedBefore: true, stopped: ["a.service"] });
  expect(text).toContain("finished already");
  expect(text).toContain("nexus migrate --start-legacy");
});
