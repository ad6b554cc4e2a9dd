import { Errors, Parser } from "@oclif/core";
import { expect, test } from "vitest";
import { changesAsked, limitFlags, modelFlag, modelsAsked } from "../src/key-command.ts";

const flags = { ...limitFlags(1), model: modelFlag("A model.") };
const parse = async (...argv: readonly string[]) =>
  (await Parser.parse([...argv], { flags })).flags;

test("limits are numbers that the gateway can keep", async () => {
  expect(await parse("--rpm", "1", "--tokens-per-day", "5000")).toMatchObject({
    rpm: 1,
    "tokens-per-day": 5000,
  });
  for (const wrong of ["0", "1.5", "-3", "99999999999999999999", "many"]) {
    await expect(parse("--rpm", wrong)).rejects.toThrow(/Parsing --rpm\s+Expected an integer/);
  }
});

test("a model has a name, and `all` is every one", async () => {
  await expect(parse("--model", "")).rejects.toBeInstanceOf(Errors.CLIError);
  const { model } = await parse("--model", "a/b", "--model", "c");
  expect(modelsAsked(model)).toEqual(["a/b", "c"]);
  expect(modelsAsked(["all"])).toBeUndefined();
  expect(modelsAsked(undefined)).toBeUndefined();
  expect(changesAsked({ model: ["all"] }, new Date())).toEqual({ models: null });
});
