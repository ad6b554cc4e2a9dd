import { expect, test } from "vitest";
import { type Template, templateSchema } from "../../src/catalog/template.ts";
import { modelProblem, withModels } from "../../src/stack/models-as.ts";

const read = templateSchema.parse({
  id: "x",
  title: "X",
  description: "X.",
  homepage: "https://x.example",
  licence: "MIT",
  service: { port: 80, models: ["a/b"] },
  models_as: {
    least: 1,
    most: 2,
    environment: { MODEL_ID: "{model}", PRELOAD: "{models_json}", ALL: "{models}" },
    command: ["--model", "{model}"],
  },
  provenance: [{ fact: "all", source: "here" }],
});
const template: Template = { ...read, directory: "/x", file: "/x/service.yaml" };

test("software that loads its models at its start is told of them", () => {
  const spec = withModels({ command: ["serve"] }, template, { models: ["c/d", "e"] });
  expect(spec).toEqual({
    command: ["serve", "--model", "c/d"],
    environment: { MODEL_ID: "c/d", PRELOAD: '["c/d","e"]', ALL: "c/d,e" },
  });
  expect(withModels({}, template, {}).environment).toMatchObject({ MODEL_ID: "a/b" });
});

test("too few and too many models are told in a sentence", () => {
  expect(modelProblem(template, { models: [] })).toBe("needs a model: name it under `models`");
  expect(modelProblem(template, { models: ["a", "b", "c"] })).toBe(
    "takes 2 models and has 3: add a second service for the others",
  );
  expect(modelProblem(template, {})).toBeUndefined();
});
