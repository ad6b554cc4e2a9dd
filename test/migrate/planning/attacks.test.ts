/** Old installations that are odd, or meant to be. */
import { expect, test } from "vitest";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import { settingsAt } from "../../../src/migrate/ai-infra/settings.ts";
import { unknownSettings } from "../../../src/migrate/ai-infra/gateway-settings.ts";
import type { FoundDatabase, FoundFiles } from "../../../src/migrate/inventory.ts";
import { stagedPath } from "../../../src/migrate/planning/plan-data.ts";
import { planMigration } from "../../../src/migrate/planning/plan-migration.ts";
import { shownUrl } from "../../../src/migrate/planning/rewrite-urls.ts";
import { formatMigrationPlan } from "../../../src/terminal/migration-plan.ts";
import { at, choices, emptyTarget, host, nothing } from "./inventories.ts";

test("no two hosts share a folder of the backup, on no file system, and none leaves it", () => {
  const hosts = [
    "ai1",
    "ai 1",
    "ai-1",
    "AI-1",
    "ai_1",
    "..",
    ".",
    "../..",
    "",
    "host",
    "a/b",
    "a-b",
  ];
  const folders = hosts.map((name) => stagedPath(name, "/x").toLowerCase());
  expect(new Set(folders).size).toBe(hosts.length);
  for (const folder of folders)
    expect(folder).toMatch(/^\.nexus\/migration\/staged\/[\w-][\w.-]*\/x$/);
});

test("a folder is fetched before what lies in it and is kept by a name of its own", async () => {
  const files = (what: string, path: string): FoundFiles => ({
    what,
    host: "ai2",
    path,
    kind: "folder",
    files: 1,
    bytes: 1,
  });
  const database: FoundDatabase = { name: "memory", host: "ai2", path: "/srv/ai/m.db", bytes: 1 };
  const inventory = {
    ...nothing,
    hosts: [host("ai2")],
    databases: [database],
    files: [files("images", "/srv/ai/images"), files("files", "/srv/ai"), files("x", "/srv/b")],
  };
  const { steps } = planMigration(inventory, choices, emptyTarget, await readCatalog());
  expect(steps.flatMap((step) => ("to" in step ? step.to.split("/ai2/")[1] : []))).toEqual([
    "srv/ai",
    "srv/b",
    "srv/ai/m.db",
    "srv/ai/images",
  ]);
});

test("a host cannot make a terminal do things by its name", async () => {
  const inventory = { ...nothing, hosts: [host("ai\u001b]0;x\u0007\nServices:")] };
  const plan = planMigration(inventory, choices, emptyTarget, await readCatalog());
  const text = formatMigrationPlan(plan, inventory);
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\u0007");
  expect(text.split("\n")[0]).toContain("Services:");
});

test("the rest of a token that was broken into lines is told by its line, and so is no name", () => {
  const place = at("ai2", "/var/lib/gateway/app/.env", 7);
  const notes = unknownSettings(settingsAt({ "sk-abc": "=", b2xkXx: "", MY_ODD_ONE: "1" }, place));
  expect(notes.map(({ what }) => what)).toEqual(["line 7", "line 7", "MY_ODD_ONE"]);
});

test.each(["http://h:1/secret@/v1", "http://u:secret@h/v1", "http://h/v1?key=secret"])(
  "an address is shown without what could be a secret: %s",
  (url) => expect(shownUrl(url)).not.toContain("secret@"),
);
