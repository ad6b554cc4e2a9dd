import { Errors, Parser } from "@oclif/core";
import { expect, test } from "vitest";
import {
  addressesAsked,
  addressFlag,
  changesAsked,
  limitFlags,
  modelFlag,
  modelsAsked,
} from "../src/key-command.ts";

const flags = {
  ...limitFlags(1),
  model: modelFlag("A model."),
  "allow-ip": addressFlag("An address.", "all"),
};
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

test("a largest request is a size, and 0 lifts it where something can be lifted", async () => {
  expect(await parse("--max-request-bytes", "1MiB")).toMatchObject({
    "max-request-bytes": 1_048_576,
  });
  for (const wrong of ["0", "much", "-1"]) {
    await expect(parse("--max-request-bytes", wrong)).rejects.toThrow("Expected a size such as");
  }
  const { flags: lifting } = await Parser.parse(["--max-request-bytes", "0"], {
    flags: limitFlags(0),
  });
  expect(changesAsked(lifting, new Date())).toEqual({ limits: { max_request_bytes: null } });
});

test("addresses are addresses and ranges, and `all` lifts the list", async () => {
  const asked = await parse("--allow-ip", "10.0.0.0/8", "--allow-ip", "::1");
  expect(changesAsked(asked, new Date())).toEqual({ allowed_ips: ["10.0.0.0/8", "::1"] });
  expect(changesAsked(await parse("--allow-ip", "all"), new Date())).toEqual({ allowed_ips: null });
  expect(addressesAsked(undefined)).toBeUndefined();
  await expect(parse("--allow-ip", "10.0.0.0/33")).rejects.toThrow(
    "Expected an address or a range",
  );
});
