import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { modelOfCacheFolder } from "../../../src/migrate/read/hf-cache.ts";
import { readOllamaManifest } from "../../../src/migrate/read/ollama-manifest.ts";
import { bytesLike } from "./arbitrary.ts";

const store = "/var/lib/ollama/models/manifests/";
const at = { host: "ai1", file: `${store}registry.ollama.ai/library/llama3.3/70b` };
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const manifest = {
  schemaVersion: 2,
  mediaType: "application/vnd.docker.distribution.manifest.v2+json",
  config: {
    mediaType: "application/vnd.docker.container.image.v1+json",
    digest: digest("a"),
    size: 5,
  },
  layers: [
    { mediaType: "application/vnd.ollama.image.model", digest: digest("b"), size: 1000 },
    { mediaType: "application/vnd.ollama.image.license", digest: digest("c"), size: 10 },
  ],
};
const read = (file: string, document: unknown) =>
  readOllamaManifest(Buffer.from(document === "" ? "" : JSON.stringify(document)), { ...at, file });

describe("manifests of Ollama", () => {
  it("name a model, and the blobs that it needs", () => {
    const { found, notUnderstood } = read(at.file, manifest);
    expect(notUnderstood).toEqual([]);
    expect(found).toMatchObject({ model: "llama3.3:70b", bytes: 1015 });
    expect(found?.blobs.map(({ digest: each, bytes }) => [each, bytes])).toEqual([
      [digest("a"), 5],
      [digest("b"), 1000],
      [digest("c"), 10],
    ]);
  });

  it.each([
    ["registry.ollama.ai/someone/model/latest", "someone/model:latest"],
    ["hf.co/org/name-GGUF/Q4_K_M", "hf.co/org/name-GGUF:Q4_K_M"],
  ])("%s is %s", (path, model) => {
    expect(read(store + path, manifest).found?.model).toBe(model);
  });

  it("that are empty, foreign or broken are noted, and are no models", () => {
    const notes = [
      read(at.file, ""),
      read(`${store}registry.ollama.ai/library/.DS_Store`, manifest),
      read(`${store}registry.ollama.ai/library/llama3.3/.DS_Store`, manifest),
      read("/elsewhere/a/b/c/d", manifest),
      read(at.file, { schemaVersion: 2 }),
      read(at.file, { layers: [{ digest: "sha256:../../etc/passwd", size: 1 }] }),
      read(at.file, { layers: [...manifest.layers, { size: 1 }] }),
      read(at.file, {}),
    ];
    expect(notes.map(({ found }) => found)).toEqual(notes.map(() => undefined));
    for (const { notUnderstood } of notes) expect(notUnderstood).toHaveLength(1);
    expect(notes[0]?.notUnderstood[0]?.why).toContain("llama3.3:70b");
  });

  it("never make the reader throw, and say why when there is no model", () => {
    const bytes = bytesLike('{}[]",:1', '"layers":', "{}", '"config":', '"size":', '"digest":');
    fc.assert(
      fc.property(bytes, (given) => {
        const { found, notUnderstood } = readOllamaManifest(given, at);
        expect(found !== undefined || notUnderstood.length > 0).toBe(true);
      }),
    );
  });
});

it.each([
  ["models--stabilityai--sdxl-turbo", "stabilityai/sdxl-turbo"],
  ["models--gpt2", "gpt2"],
  ["models--mlx-community--Qwen3-30B-A3B-4bit", "mlx-community/Qwen3-30B-A3B-4bit"],
  ["datasets--org--name", undefined],
  ["models--", undefined],
  [".locks", undefined],
])("the cache folder %s holds %s", (folder, model) => {
  expect(modelOfCacheFolder(folder)).toBe(model);
});
