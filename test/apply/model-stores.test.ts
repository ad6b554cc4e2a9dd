import { expect, test } from "vitest";
import { modelsOf } from "../../src/apply/model-stores.ts";

test("models that are there and models that are asked for are one list, each once", () => {
  const present = [{ name: "llama3.2:1b", sizeBytes: 1e9 }, { name: "nomic-embed-text:latest" }];
  const probe = { path: "/", status: [200], loading: [503], models: "ollama" as const };
  const service = { name: "ollama", models: ["nomic-embed-text", "qwen3:8b"], probe };
  expect(modelsOf(service, present)).toEqual(
    [
      {
        service: "ollama",
        model: "llama3.2:1b",
        declared: false,
        present: true,
        name: undefined,
        sizeBytes: 1e9,
      },
      { service: "ollama", model: "nomic-embed-text:latest", declared: true, present: true },
      { service: "ollama", model: "qwen3:8b", declared: true, present: false },
    ].map(({ name: _name, ...model }: Record<string, unknown>) => model),
  );
});
