import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findKeptFiles } from "../../../src/migrate/ai-infra/kept-files.ts";
import { copiedTrees } from "../../../src/migrate/source/local.ts";
import { startDatabaseWriter } from "../../support/database-writer.ts";

let root = "";
let data = "";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nexus-kept-"));
  data = join(root, "var/lib/gateway/data");
  await mkdir(data, { recursive: true });
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

test("a live database is one file, whatever it is called: its log comes over with it", async () => {
  await using writer = await startDatabaseWriter(join(data, "cache.data"));
  expect(await others()).toEqual(["/var/lib/gateway/data/cache.data"]);
  expect(writer.running()).toBe(true);
});

test("what only looks like the log of a database is a file of its own", async () => {
  for (const name of ["notes", "notes-wal", "lost-wal"]) await writeFile(join(data, name), name);
  expect(await others()).toEqual(
    ["lost-wal", "notes", "notes-wal"].map((name) => `/var/lib/gateway/data/${name}`),
  );
});

async function others(): Promise<readonly string[]> {
  const [tree] = await copiedTrees(root);
  if (tree === undefined) throw new Error("no tree");
  const { files = [] } = await findKeptFiles(tree, new Map());
  return files.filter(({ what }) => what === "other").map(({ path }) => path);
}
