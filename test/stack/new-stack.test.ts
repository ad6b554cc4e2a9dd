import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scaffoldAddition } from "../../src/stack/added-service.ts";
import { InvalidAssignmentError, readAssignments } from "../../src/stack/assignments.ts";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { NoScaffoldError } from "../../src/catalog/errors.ts";
import {
  ignoreSecrets,
  proposeChange,
  StackChangedError,
  StackExistsError,
  startStack,
  writeChange,
} from "../../src/stack/new-stack.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-new-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("a new stack file is written with its name, and its secrets are kept from git", async () => {
  const file = await startStack(folder, "starter", { name: "lab" });
  expect(await readFile(file, "utf8")).toContain("name: lab");
  expect(await readFile(join(folder, ".gitignore"), "utf8")).toBe(".nexus/\n");
});

test.each(["nexus.yaml", "nexus.yml"])("an existing %s is never overwritten", async (name) => {
  await writeFile(join(folder, name), "mine");
  await expect(startStack(folder, "starter")).rejects.toBeInstanceOf(StackExistsError);
  expect(await readFile(join(folder, name), "utf8")).toBe("mine");
});

test("a .gitignore is added to once, on a line of its own", async () => {
  await writeFile(join(folder, ".gitignore"), "node_modules");
  await ignoreSecrets(folder);
  await ignoreSecrets(folder);
  expect(await readFile(join(folder, ".gitignore"), "utf8")).toBe("node_modules\n.nexus/\n");
});

test("a change is written only on what it was proposed for", async () => {
  const file = join(folder, "nexus.yaml");
  await writeFile(file, "a\n");
  const change = await proposeChange(file, (text) => `${text}b\n`);
  expect(change.diff).toContain("+b");
  await writeChange(change);
  expect(await readFile(file, "utf8")).toBe("a\nb\n");
  await expect(writeChange(change)).rejects.toBeInstanceOf(StackChangedError);
});

test("keys on the command line become the values that the stack file would have", () => {
  expect(
    readAssignments([
      "models=a,b:1",
      "gpus=none",
      "read_only=true",
      "environment.N=1",
      "probe.path=/up",
      "probe.models=openai",
    ]),
  ).toEqual({
    models: ["a", "b:1"],
    gpus: "none",
    read_only: true,
    environment: { N: "1" },
    probe: { path: "/up", models: "openai" },
  });
  expect(() => readAssignments(["models"])).toThrow(InvalidAssignmentError);
});

test("a scaffold is added by a copy that is written only when it is agreed to", async () => {
  const catalog = await readCatalog();
  const wish = { template: "example", name: "ocr", keys: { gpus: "none" }, directory: folder };
  const scaffold = scaffoldAddition(catalog, wish);
  expect(scaffold.services).toMatchObject([
    {
      name: "ocr",
      spec: {
        build: "./services/ocr",
        port: 9000,
        gpus: "none",
        environment: { SERVICE_NAME: "ocr" },
      },
    },
  ]);
  await expect(readFile(join(folder, "services/ocr/Dockerfile"))).rejects.toThrow("ENOENT");
  expect(await scaffold.copySources?.()).toContain(join(folder, "services/ocr/Dockerfile"));
  expect(() => scaffoldAddition(catalog, { ...wish, template: "ollama" })).toThrow(NoScaffoldError);
});
