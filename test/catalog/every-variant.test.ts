import { describe, expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { candidateOf, templatesFor } from "../../src/catalog/choose-template.ts";
import { imagesOf, jobs, keysOf, type Template } from "../../src/catalog/template.ts";
import { machineFor, planTemplate } from "./planned.ts";
import { machineWith } from "./templates.ts";

const catalog = await readCatalog();
const there = catalog.filter(({ missing }) => missing === undefined);
const variants = there.flatMap((template) =>
  template.variants.map((variant) => ({
    title: `${template.id} as ${variant.name}`,
    template,
    variant,
  })),
);

test.each(variants)(
  "$title is chosen on some machine, loads and is planned there",
  async (each) => {
    const { template, variant } = each;
    const machine = machineFor(template, variant);
    if (!machine)
      throw new Error(`nothing is ever left for ${variant.name}: an earlier row takes it`);
    const { plan, choices, warnings } = await planTemplate(template, machine, catalog);
    expect(choices[0]).toMatchObject({ service: template.id, choice: { variant } });
    const image = keysOf(template, variant)["image"];
    expect(plan.actions).toContainEqual(expect.objectContaining({ kind: "pull", image }));
    expect(warnings).toEqual([]);
  },
);

test.each(there.filter((template) => template.variants.length === 0))(
  "$id, the same everywhere, loads and is planned",
  async (template) => {
    for (const architecture of ["amd64", "arm64"]) {
      const { plan } = await planTemplate(template, machineWith([], architecture), catalog);
      expect(plan.actions.some(({ service }) => service === template.id)).toBe(true);
    }
  },
);

/** Images whose tags move, and why there is nothing better to name. */
const moving: Readonly<Record<string, readonly string[]>> = {
  "text-embeddings-inference: its makers pin patch versions of some builds only; the others follow 1.9":
    [
      "ghcr.io/huggingface/text-embeddings-inference:turing-1.9",
      "ghcr.io/huggingface/text-embeddings-inference:1.9",
      "ghcr.io/huggingface/text-embeddings-inference:hopper-1.9",
      "ghcr.io/huggingface/text-embeddings-inference:100-1.9",
      "ghcr.io/huggingface/text-embeddings-inference:120-1.9",
      "ghcr.io/huggingface/text-embeddings-inference:121-1.9",
    ],
  "comfyui-boot: dates are published for its slim builds only": [
    "yanwk/comfyui-boot:rocm",
    "yanwk/comfyui-boot:cpu",
  ],
  "stable-diffusion.cpp: it makes no releases; images follow its branch": [
    "ghcr.io/leejet/stable-diffusion.cpp:master-cuda-spark",
    "ghcr.io/leejet/stable-diffusion.cpp:master-cuda",
    "ghcr.io/leejet/stable-diffusion.cpp:master-vulkan",
  ],
};
const allowed = Object.values(moving).flat();

describe("what templates say", () => {
  test.each(there)("$id names images by tags that stay what they are", (template) => {
    const loose = imagesOf(template).filter(
      (image) => !isPinned(image) && !allowed.includes(image),
    );
    expect(loose).toEqual([]);
  });

  test("every exception is still needed", () => {
    const used = new Set(catalog.flatMap(imagesOf));
    expect(allowed.filter((image) => !used.has(image))).toEqual([]);
  });

  test.each(catalog)("$id tells everything in whole sentences", (template) => {
    expect(template.description).toMatch(/^[A-Z].*\.$/s);
    expect(template.directory.endsWith(`/${template.id}`)).toBe(true);
    for (const { name, description } of [...template.options, ...template.secrets])
      expect(`${name}: ${description}`).toMatch(/: \S.*\S$/s);
    for (const { source } of template.provenance) expect(source).toMatch(/\S/);
    for (const { because } of reasonsOf(template))
      expect(because).not.toMatch(/^[A-Z][a-z]+ed |\.$/);
    expect(template.missing ?? "whole.").toMatch(/\.$/);
  });

  test.each(catalog)("$id brings companions that the catalog has", ({ companions }) => {
    const ids = there.map(({ id }) => id);
    expect(companions.map(({ template }) => template).filter((id) => !ids.includes(id))).toEqual(
      [],
    );
  });
});

function reasonsOf(template: Template): readonly Readonly<{ because: string }>[] {
  return [...Object.values(template.jobs), ...template.variants];
}

/** A digest, a whole version, a build's number, a date or a commit. */
function isPinned(image: string): boolean {
  const tag = /:([^/]+)$/.exec(image)?.[1] ?? "";
  return image.includes("@sha256:") || /\d+\.\d+\.\d+|\bb\d{4,}\b|\d{8}|[0-9a-f]{7,40}\b/.test(tag);
}

describe("every job", () => {
  test.each(jobs)("%s has its candidates in one order", (job) => {
    const ranks = templatesFor(catalog, job).map((template) => template.jobs[job]?.rank);
    expect(ranks).toEqual([...new Set(ranks)]);
    expect(ranks[0]).toBe(1);
  });

  test("has somebody who does it on a processor alone", () => {
    expect(firstChoices("amd64")).toMatchInlineSnapshot(`
      {
        "asr": "speaches",
        "chat-ui": "open-webui",
        "embeddings": "tei",
        "images": "localai",
        "llm": "ollama",
        "monitoring": "prometheus",
        "rerank": "tei-rerank",
        "search": "searxng",
        "tts": "kokoro",
        "vectors": "qdrant",
      }
    `);
    expect(firstChoices("arm64")).toEqual(firstChoices("amd64"));
  });
});

/** Who is chosen for each job on a machine without GPUs. */
function firstChoices(architecture: string): Readonly<Record<string, string | undefined>> {
  const machine = machineWith([], architecture);
  const chosen = jobs.map((job) => [
    job,
    templatesFor(catalog, job).find(
      (template) => candidateOf(template, machine, { job }).objection === undefined,
    )?.id,
  ]);
  return Object.fromEntries(chosen) as Record<string, string | undefined>;
}
