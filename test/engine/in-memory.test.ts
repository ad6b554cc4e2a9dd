import { expect, test } from "vitest";
import type { Behaviour, Files, ProcessResult } from "../support/in-memory-engine.ts";
import { InMemoryEngine } from "../support/in-memory-engine.ts";
import { describeEngine } from "./contract.ts";
import type { Program } from "./subject.ts";

const image = "nexus-test/scenario:1";

const lines = (stream: "stdout" | "stderr", text: string) =>
  text.split("\n").flatMap((line) => (line === "" ? [] : [{ stream, text: line }]));

const read = (command: readonly string[] = []): Program => JSON.parse(command[0] ?? "") as Program;

function behave(program: Program): Behaviour {
  const exec = (command: readonly string[], stdin: string, files: Files) =>
    respond(read(command), stdin, files);
  if (program.do === "exit") return { exit: { code: program.code } };
  if (program.do === "eat-memory") return { exit: { code: 137, oomKilled: true } };
  if (program.do === "ignore-stop") return { ignoresStop: true };
  if (program.do !== "print") return { exec };
  const output = [...lines("stdout", program.stdout), ...lines("stderr", program.stderr)];
  return { output, exit: { code: 0 } };
}

function respond(program: Program, stdin: string, files: Files): ProcessResult {
  if (program.do === "echo") return { stdout: stdin, stderr: "done\n", exitCode: program.code };
  if (program.do === "read") return { stdout: files.get(program.path) ?? "" };
  return {};
}

describeEngine("the engine in memory", {
  connect: async () =>
    new InMemoryEngine({
      registry: [image],
      behaviour: ({ entrypoint }) => behave(read(entrypoint)),
    }),
  image,
  command: (program) => [JSON.stringify(program)],
});

test("the engine in memory tells calls that change something from those that look", async () => {
  const engine = new InMemoryEngine();

  await engine.observe("home", []);
  await engine.networks.create({ name: "home", stack: "home", internal: false });

  expect(engine.writes).toEqual(["networks.create home"]);
});
