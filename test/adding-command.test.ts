import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import AddService, { type AddDocument } from "../src/commands/add/service.ts";
import RemoveService from "../src/commands/remove/service.ts";
import type { FailureDocument } from "../src/nexus-command.ts";

let file = "";
let said = "";
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), "nexus-add-")), "nexus.yaml");
  await writeFile(file, "name: t\nservices:\n  # mine\n  own: { image: x:1 }\n");
  said = "";
  vi.stubEnv("DOCKER_HOST", "unix:///nowhere/docker.sock");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  await rm(join(file, ".."), { recursive: true, force: true });
});

async function add<Document = AddDocument>(...words: readonly string[]): Promise<Document> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  await AddService.run([...words, "--file", file, "--yes", "--no-up", "--json"], import.meta.url);
  const printed = write.mock.calls.map(([text]) => String(text)).join("");
  write.mockRestore();
  return JSON.parse(printed) as Document;
}

test("a job brings its best template, says why, and lists the others; the file keeps the rest", async () => {
  const document = await add("llm", "--set", "environment.OLLAMA_KEEP_ALIVE=30m", "gpus=none");
  expect(document).toMatchObject({
    service: "ollama",
    services: ["ollama"],
    written: true,
    chosen: { template: "ollama", variant: "cpu", fits: true, objection: null },
  });
  expect(document.chosen?.considered.map(({ variant }) => variant)).toEqual([
    "rocm",
    "cuda",
    "cpu",
  ]);
  expect(said).toContain("No engine can be asked");
  expect(said).toMatch(/ollama for llm: .*\n {2}– rocm .*\n {2}– cuda .*\n {2}✔ cpu /);
  expect(await readFile(file, "utf8")).toBe(`name: t
services:
  # mine
  own: { image: x:1 }
  ollama:
    template: ollama
    models:
      - llama3.2:1b
    gpus: none
    environment:
      OLLAMA_KEEP_ALIVE: 30m
`);
});

test("no GPU is no GPU, however it is written", async () => {
  const { chosen } = await add("ollama", "--set", "gpus=0");
  expect(chosen?.considered[0]?.because).toContain("`gpus: none` keeps it off them");
});

test("what cannot be added is refused before anything is written", async () => {
  const before = await readFile(file, "utf8");
  for (const [words, code] of [
    [["llm", "--as", "example"], "NEXUS_NOT_FOR_JOB"],
    [["olama"], "NEXUS_UNKNOWN_TEMPLATE"],
    [["llm", "--set", "gpus"], "NEXUS_INVALID_ASSIGNMENT"],
    [["ollama", "--name", "own"], "NEXUS_STACK_EDIT"],
    [["tts", "--template", "espeak"], "NEXUS_USAGE"],
    [["ocr", "--scaffold", "--as", "espeak"], "NEXUS_USAGE"],
  ] as const) {
    const { error } = await add<FailureDocument>(...words);
    expect(error).toMatchObject({ code });
  }
  expect(await readFile(file, "utf8")).toBe(before);
});

test("a service of one's own still starts as a copy, and goes again", async () => {
  expect(await add("ocr", "--scaffold")).toMatchObject({ services: ["ocr"], written: true });
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  await RemoveService.run(["ocr", "--file", file, "--yes", "--no-up"], import.meta.url);
  expect(await readFile(file, "utf8")).not.toContain("ocr");
});
