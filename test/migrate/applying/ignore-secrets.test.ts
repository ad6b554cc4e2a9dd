/** Git never takes what lies in `.nexus/`, and the user's own `.gitignore` comes back as it was. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { rollBackMigration } from "../../../src/migrate/applying/roll-back.ts";
import { everything, migrate, rollBack } from "./lives.ts";
import { Move } from "./old-installation.ts";

function ignored(move: Move): string {
  return join(move.directory, ".gitignore");
}

test("a line is added at the end of what is there, and taken away by the rollback", async () => {
  await using move = new Move();
  const before = everything(move);
  await migrate(move);
  expect(readFileSync(ignored(move), "utf8")).toBe("node_modules\n.nexus/\n");
  await rollBack(move);
  expect(everything(move)).toEqual(before);
});

test("where there is none, one is made, and goes with the rollback", async () => {
  await using move = new Move();
  rmSync(ignored(move));
  const before = everything(move);
  await migrate(move);
  expect(readFileSync(ignored(move), "utf8")).toBe(".nexus/\n");
  await rollBack(move);
  expect(everything(move)).toEqual(before);
});

test("one that has the line stays as it is", async () => {
  await using move = new Move();
  writeFileSync(ignored(move), "/.nexus\n*.log\n");
  await migrate(move);
  expect(readFileSync(ignored(move), "utf8")).toBe("/.nexus\n*.log\n");
  await rollBack(move);
  expect(readFileSync(ignored(move), "utf8")).toBe("/.nexus\n*.log\n");
});

test("one that was changed since is kept, and told", async () => {
  await using move = new Move();
  await migrate(move);
  appendFileSync(ignored(move), "mine-too\n");
  const consent = async () => true;
  const { kept } = await rollBackMigration(move.directory, { ...move.options(), consent });
  expect(readFileSync(ignored(move), "utf8")).toBe("node_modules\n.nexus/\nmine-too\n");
  expect(kept).toEqual([`${ignored(move)} was changed since and is kept`]);
});
