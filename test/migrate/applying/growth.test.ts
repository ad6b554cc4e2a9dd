import { appendFile, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { realDisk } from "../../../src/migrate/applying/disk.ts";
import { tellingGrowth } from "../../../src/migrate/applying/growth.ts";

test("a large file tells how much of it is there while it is fetched, also under the name that it has meanwhile", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nexus-growth-"));
  const draft = join(folder, "draft");
  const told: number[] = [];
  const heard = Promise.withResolvers<void>();
  const work = async () => {
    await appendFile(`${draft}.part`, "12345");
    await heard.promise;
    await rename(`${draft}.part`, draft);
    return "whole";
  };
  const tell = (bytes: number) => {
    told.push(bytes);
    heard.resolve();
  };
  expect(await tellingGrowth(work(), { draft, disk: realDisk, tell })).toBe("whole");
  expect(told[0]).toBe(5);
  await rm(folder, { recursive: true });
});

test("work that fails fails as it would alone", async () => {
  const work = Promise.reject(new Error("the host is gone"));
  const growing = { draft: "/nowhere", disk: realDisk, tell: () => undefined };
  await expect(tellingGrowth(work, growing)).rejects.toThrow("the host is gone");
});
