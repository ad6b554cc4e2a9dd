import { expect, test } from "vitest";
import { findRemoval, modelsOf, oncePerVolume } from "../../src/apply/model-stores.ts";
import { ModelInUseError } from "../../src/apply/model-uses.ts";
import type { ContainerService, Mount, Stack } from "../../src/stack/stack.ts";
import { formatModels, removalQuestion } from "../../src/terminal/models.ts";
import { plainTheme } from "../../src/terminal/theme.ts";
import { pulling, storeOf } from "../readiness/stub-store.ts";
import { service, stackOf } from "../support/builders.ts";

const probe = { path: "/", status: [200], loading: [503], models: "ollama" as const };

const on = (source: string): Mount => ({
  kind: "volume",
  source,
  target: "/root/.ollama",
  readOnly: false,
  external: false,
});

const store = (name: string, change: Partial<ContainerService> = {}) =>
  service(name, { modelPull: "ollama", probe, ...change });

function home(
  services: readonly ContainerService[],
  aliases: Stack["gateway"]["aliases"] = {},
): Stack {
  const stack = stackOf(services);
  return { ...stack, gateway: { ...stack.gateway, aliases } };
}

const ollama = store("ollama", { models: ["nomic-embed-text", "qwen3:8b"] });
const aliases = { fast: ["ollama/llama3.2:1b"], any: ["elsewhere", "nomic-embed-text"] };

test("models that are there and models that are asked for are one list, each once, with who needs them", () => {
  const present = [{ name: "llama3.2:1b", sizeBytes: 1e9 }, { name: "nomic-embed-text:latest" }];
  expect(modelsOf(home([ollama], aliases), ollama, present)).toEqual(
    [
      {
        service: "ollama",
        model: "llama3.2:1b",
        declared: false,
        aliases: ["fast"],
        present: true,
        name: undefined,
        sizeBytes: 1e9,
      },
      {
        service: "ollama",
        model: "nomic-embed-text:latest",
        declared: true,
        aliases: ["any"],
        present: true,
      },
      { service: "ollama", model: "qwen3:8b", declared: true, aliases: [], present: false },
    ].map(({ name: _name, ...model }: Record<string, unknown>) => model),
  );
});

test("a model that two services have in one volume is listed once", () => {
  const a = store("a", { models: ["m:1"], mounts: [on("models")] });
  const b = store("b", { mounts: [on("models")] });
  const alone = store("alone", { mounts: [on("own")] });
  const stack = home([a, b, alone]);
  const present = [{ name: "m:1", sizeBytes: 5 }];
  const rows = oncePerVolume([a, b, alone].flatMap((each) => modelsOf(stack, each, present)));
  const model = { model: "m:1", aliases: [], present: true, sizeBytes: 5 };
  expect(rows).toEqual([
    { ...model, service: "a", declared: true, sharedVolume: "models", alsoIn: ["b"] },
    { ...model, service: "alone", declared: false },
  ]);
});

test("a volume with a name of its own is marked: other stacks may use it", () => {
  const a = store("a", { mounts: [on("nexus-models")] });
  const volumes = [{ name: "nexus-models", key: "models", external: false, driverOpts: {} }];
  const stack = { ...home([a]), volumes };
  expect(modelsOf(stack, a, [{ name: "m:1" }])).toMatchObject([{ sharedVolume: "nexus-models" }]);
});

test("what the stack asks for is not removed, unless it is forced: then the question says who will miss it", async () => {
  const b = store("b", { mounts: [on("models")], models: ["spare:1"] });
  const a = store("a", { mounts: [on("models")] });
  const stack = home([a, b], { fast: ["spare:1"] });
  const tags = { body: [{ models: [{ name: "spare:1", size: 4.1e9 }] }] };
  const { link, upstream } = pulling(storeOf({ "GET /api/tags": tags }));
  const sources = { link, stack, store: { service: a, kind: "ollama", upstream } } as const;

  const refusal = findRemoval(sources, { model: "spare:1", force: false });
  await expect(refusal).rejects.toBeInstanceOf(ModelInUseError);
  await expect(refusal).rejects.toMatchObject({
    message: "spare:1 of a is needed: b lists it, and the alias fast leads to it.",
    exitCode: 6,
    remedy: expect.stringContaining("--force"),
    details: { services: ["b"], aliases: ["fast"] },
  });
  expect(removalQuestion(await findRemoval(sources, { model: "spare:1", force: true }))).toBe(
    "It is needed: b lists it, and the alias fast leads to it. Remove spare:1 (4.1 GB) from a? Having it again means fetching it again.",
  );
  const spare = await findRemoval(
    { ...sources, stack: home([a]) },
    { model: "spare:1", force: false },
  );
  expect(removalQuestion(spare)).toBe(
    "Remove spare:1 (4.1 GB) from a? Having it again means fetching it again.",
  );
});

test("before a model is removed from a volume that other stacks may use, the question says so", async () => {
  const a = store("a", { mounts: [on("nexus-models")] });
  const volumes = [{ name: "nexus-models", key: "models", external: false, driverOpts: {} }];
  const tags = { body: [{ models: [{ name: "spare:1" }] }] };
  const { link, upstream } = pulling(storeOf({ "GET /api/tags": tags }));
  const removal = await findRemoval(
    { link, stack: { ...home([a]), volumes }, store: { service: a, kind: "ollama", upstream } },
    { model: "spare:1", force: false },
  );
  expect(removalQuestion(removal)).toBe(
    "Other stacks may use it in the volume nexus-models, too. Remove spare:1 from a? Having it again means fetching it again.",
  );
});

test("nothing is called missing of software that has no list of its models", () => {
  const quiet = service("whisper", { models: ["base"], probe: { ...probe, models: "none" } });
  const [model] = modelsOf(home([quiet]), quiet, []);
  expect(model).toMatchObject({ model: "base", present: null });
  const page = { theme: plainTheme, nowMs: 0 };
  expect(formatModels(model ? [model] : [], page)).toContain("· asked for");
});
