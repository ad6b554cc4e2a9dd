import { Args, Flags, Parser } from "@oclif/core";
import { expect, test } from "vitest";
import { usageProblem } from "../../src/terminal/usage.ts";

const flags = {
  watch: Flags.boolean(),
  "stack-name": Flags.string(),
  tail: Flags.integer(),
  pull: Flags.string({ options: ["missing", "always"] }),
};
const args = { service: Args.string({ required: true, description: "Where." }) };

async function told(...argv: readonly string[]): Promise<string> {
  const error: unknown = await Parser.parse([...argv], { flags, args }).catch((thrown) => thrown);
  const problem = usageProblem(error as Error, { id: "keys:add", flags: Object.keys(flags) });
  expect(problem.exitCode).toBe(2);
  return `${problem.message} | ${problem.remedy}`;
}

const help = "See how it is used with `nexus keys add --help`.";

test("an unknown flag is answered with the nearest one", async () => {
  expect(await told("x", "--wacth")).toBe(
    `nexus keys add has no flag --wacth. | Did you mean \`--watch\`? ${help}`,
  );
  expect(await told("x", "--stack=home")).toBe(
    `nexus keys add has no flag --stack=home. | Did you mean \`--stack-name\`? ${help}`,
  );
  expect(await told("x", "--zzz")).toBe(`nexus keys add has no flag --zzz. | ${help}`);
});

test("what is missing, too much or of the wrong kind is named in one sentence, without a page of help", async () => {
  expect(await told()).toBe(`nexus keys add needs <SERVICE>. | ${help}`);
  expect(await told("a", "b")).toBe(`Unexpected argument: b | ${help}`);
  expect(await told("a", "--pull", "often")).toBe(
    `Expected --pull=often to be one of: missing, always | ${help}`,
  );
  expect(await told("a", "--tail", "x")).toBe(
    `--tail: expected an integer but received: x | ${help}`,
  );
});
