import { expect, test } from "vitest";
import { templateSpec } from "../../src/stack/members.ts";
import { templateOf } from "../catalog/templates.ts";

const nameOf = (options: readonly { name: string; description: string }[], environment = {}) => {
  const template = templateOf("speech", { options: [...options], service: { environment } });
  const spec = templateSpec(template, undefined, { service: "voice", home: "/" });
  return spec.environment?.["SERVICE_NAME"];
};
const asked = [{ name: "SERVICE_NAME", description: "What it calls itself." }];

test("a template's program that asks for its name is told the service's, unless the template has one", () => {
  expect(nameOf(asked)).toBe("voice");
  expect(nameOf(asked, { SERVICE_NAME: "own" })).toBe("own");
  expect(nameOf([])).toBeUndefined();
});
