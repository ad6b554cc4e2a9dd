/** From flags to a plan: nothing is changed at the source or where the stack is to be. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Installation,
  type InstallationWish,
  prepareInstallation,
} from "../../src/migrate/installation.ts";
import { openSources } from "../../src/migrate/source/open-sources.ts";
import { folderOf } from "../stack/folder.ts";
import { type AiInfra, buildAiInfra } from "../support/ai-infra/ai-infra.ts";
import { hashFolder } from "../support/hash-folder.ts";

let root = "";
let fixture: AiInfra;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nexus-installation-"));
  fixture = await buildAiInfra(join(root, "hosts"), { databases: "live" });
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

async function prepared(wish: Partial<InstallationWish>): Promise<Installation> {
  return prepareInstallation(
    await openSources({ source: fixture.root }),
    { here: [], ...wish },
    {},
  );
}

test("planning changes no byte of the source and writes nothing where the stack is to be", async () => {
  await using folder = await folderOf({});
  const before = await hashFolder(fixture.root);
  const { plan } = await prepared({ output: join(folder.path, "nexus.yaml") });
  expect(plan.services.length).toBeGreaterThan(10);
  expect(await hashFolder(fixture.root)).toBe(before);
  expect(await readdir(folder.path)).toEqual([]);
});

test("without a word the gateway's host is here, and the stack is called like its folder", async () => {
  const { plan } = await prepared({ output: join(root, "My Home!", "nexus.yaml") });
  expect(plan.choices).toMatchObject({ here: ["ai2"], stack: "my-home-", models: "copy" });
  expect(plan.obstacles[0]).toContain("No engine could be asked");
});

test("a host that is not there and a name that no stack can have are refused", async () => {
  await expect(prepared({ here: ["ai9"] })).rejects.toMatchObject({ code: "NEXUS_UNKNOWN_HOST" });
  await expect(prepared({ name: "No Name" })).rejects.toMatchObject({
    code: "NEXUS_INVALID_STACK_NAME",
  });
});
