import { expect, test } from "vitest";
import type { MigrationReport } from "../../src/migrate/applying/events.ts";
import { formatMigrationReport, formatStarted } from "../../src/terminal/migration-report.ts";

const memory = {
  id: "database memory of ai2",
  outcome: "passed",
  detail: "4 rows of memory: equal by count and checksum",
} as const;
const key = { id: "key old", outcome: "passed", detail: "It is there" } as const;
const alias = {
  id: "alias fast",
  outcome: "failed",
  detail: "Nobody answers",
  remedy: "Look at `nexus logs`.",
} as const;
const token = (name: string) =>
  ({ id: `token ${name}`, outcome: "skipped", detail: "Unread", remedy: "Ask a client." }) as const;

const report: MigrationReport = {
  stack: "home",
  file: "/home/me/nexus.yaml",
  finishedBefore: false,
  checks: [memory, key],
  verified: true,
  stopped: [],
  keepStopped: [],
};

test("what was compared is said in numbers, and the rows of databases with it", () => {
  expect(formatMigrationReport(report)).toBe(
    `✔ Migrated: /home/me/nexus.yaml
  Compared and as it was: 1 of 1 database, 1 of 1 key.
  database memory of ai2: 4 rows of memory: equal by count and checksum.
  Take all of it back with \`nexus migrate --rollback\`.`,
  );
});

test("what failed comes first, with what to do", () => {
  const text = formatMigrationReport({ ...report, checks: [key, alias], verified: false });
  expect(text.split("\n").slice(0, 4)).toEqual([
    "✘ alias fast: Nobody answers",
    "  Look at `nexus logs`.",
    "✘ Not everything arrived. /home/me/nexus.yaml",
    "  Compared and as it was: 1 of 1 key, 0 of 1 name.",
  ]);
  expect(text).toContain("run the same `nexus migrate` again");
});

test("what nobody could check is told as not done, in the last sentence too, and how to do it once", () => {
  const text = formatMigrationReport({ ...report, checks: [key, token("a"), token("b")] });
  expect(text).toContain("– token a, not done: Unread");
  expect(text).toContain("✔ Migrated, but 2 checks could not be done: /home/me/nexus.yaml");
  expect(text.match(/Not done yet: Ask a client\./g)).toHaveLength(1);
});

test("stopped services come back with their machine: how to keep them from that is told, and how to start them", () => {
  const text = formatMigrationReport({
    ...report,
    finishedBefore: true,
    stopped: ["a.service"],
    keepStopped: [{ host: "ai2", command: "sudo systemctl disable a.service" }],
  });
  expect(text).toContain("finished already");
  expect(text).toContain("    sudo systemctl disable a.service  # on ai2");
  expect(text).toContain("nexus migrate --start-legacy");
});

test("whoever kept an old service from starting with its machine is told how to take that back", () => {
  const letStart = [{ host: "ai2", command: "sudo systemctl enable a.service" }];
  expect(formatStarted({ started: ["a.service"], letStart })).toEqual([
    "Started a.service.",
    "  Where you kept one from starting with its machine since:",
    "    sudo systemctl enable a.service  # on ai2",
  ]);
  expect(formatStarted({ started: [], letStart: [] })).toEqual([]);
});
