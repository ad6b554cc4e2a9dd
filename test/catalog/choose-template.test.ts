import { describe, expect, test } from "vitest";
import { meaningOf } from "../../src/catalog/catalog.ts";
import { candidateOf } from "../../src/catalog/choose-template.ts";
import {
  NotForJobError,
  NothingFitsError,
  TemplateMissingError,
  UnknownTemplateError,
} from "../../src/catalog/errors.ts";
import { jobOf } from "../../src/catalog/jobs.ts";
import type { Machine } from "../../src/catalog/machine.ts";
import { fittingPeers, pickCandidate } from "../../src/catalog/pick.ts";
import { formatPicked } from "../../src/terminal/choice.ts";
import { machineWith, nvidia, templateOf } from "./templates.ts";

const needsGpu = {
  variants: [{ name: "cuda", when: { vendor: "nvidia" }, because: "it is built on CUDA" }],
};
const fast = templateOf("fast-tts", {
  jobs: { tts: { rank: 1, because: "it is the fastest" } },
  ...needsGpu,
});
const small = templateOf("small.tts", {
  id: "small-tts",
  jobs: { tts: { rank: 2, because: "it runs anywhere" }, asr: { rank: 1, because: "it listens" } },
  words: ["robot"],
});
const wished = templateOf("wished-tts", {
  jobs: { tts: { rank: 3, because: "it sounds best" } },
  missing: "its makers publish no image.",
});
const catalog = [fast, small, wished];

function pick(word: string, machine: Machine, as?: string, isMachineKnown = true) {
  const { templates, job } = meaningOf(catalog, word);
  const candidates = templates.map((template) => candidateOf(template, machine, { job }));
  const instead = fittingPeers(catalog, templates, machine);
  return pickCandidate({ word, candidates, as, isMachineKnown, instead }).template.id;
}

describe("what a word means", () => {
  test("an id comes first, however it is written", () => {
    expect(meaningOf(catalog, "small-tts")).toEqual({ templates: [small] });
    expect(meaningOf(catalog, "Small.TTS")).toEqual({ templates: [small] });
  });

  test("a job, also by an everyday word, means those who do it, best first", () => {
    for (const word of ["tts", "TTS", "speech", "text-to-speech", "voice"])
      expect(meaningOf(catalog, word)).toEqual({ templates: [fast, small, wished], job: "tts" });
    expect(meaningOf(catalog, "transcription")).toMatchObject({ templates: [small], job: "asr" });
  });

  test("every further word finds those that are known by it; others are told with what is near", () => {
    expect(meaningOf(catalog, "robot")).toEqual({ templates: [small] });
    expect(() => meaningOf(catalog, "tss")).toThrow(UnknownTemplateError);
    expect(() => meaningOf(catalog, "monitorin")).toThrow(
      expect.objectContaining({
        remedy: expect.stringContaining("`monitoring`") as string,
      }) as Error,
    );
  });

  test.each([
    ["chat", "llm"],
    ["embedding", "embeddings"],
    ["image", "images"],
    ["webui", "chat-ui"],
    ["vector-db", "vectors"],
    ["reranker", "rerank"],
    ["web search", "search"],
    ["dashboards", "monitoring"],
    ["speech-to-text", "asr"],
    ["ocr", undefined],
  ])("%s means %s", (word, job) => {
    expect(jobOf(word)).toBe(job);
  });
});

describe("who does a job", () => {
  test("the best that fits the machine", () => {
    expect(pick("tts", machineWith([nvidia("L4", "8.9", 23)]))).toBe("fast-tts");
    expect(pick("tts", machineWith())).toBe("small-tts");
  });

  test("`as` takes another one of them, and only of them", () => {
    const machine = machineWith([nvidia("L4", "8.9", 23)]);
    expect(pick("tts", machine, "small-tts")).toBe("small-tts");
    expect(() => pick("asr", machine, "fast-tts")).toThrow(NotForJobError);
  });

  test("what fits no hardware is refused, and others for the same job are named", () => {
    expect(() => pick("fast-tts", machineWith())).toThrow(NothingFitsError);
    expect(() => pick("tts", machineWith(), "fast-tts")).toThrow(/it needs an NVIDIA GPU/);
    expect(() => pick("fast-tts", machineWith())).toThrow(
      expect.objectContaining({
        remedy: expect.stringContaining("`nexus add service small-tts`") as string,
      }) as Error,
    );
  });

  test("without an engine to ask, what is named is taken: nobody knows better", () => {
    expect(pick("fast-tts", machineWith(), undefined, false)).toBe("fast-tts");
    expect(pick("tts", machineWith(), undefined, false)).toBe("small-tts");
  });

  test("what has no image is refused with its sentence and the way to a service of one's own", () => {
    expect(() => pick("wished-tts", machineWith(), undefined, false)).toThrow(TemplateMissingError);
    expect(() => pick("wished-tts", machineWith())).toThrow(/its makers publish no image\./);
  });
});

test("a reason that several variants share is told once", () => {
  const twice = templateOf("twice", {
    variants: ["a", "b"].map((name) => ({ name, when: { vendor: "amd" }, because: "it is" })),
  });
  expect(candidateOf(twice, machineWith()).objection).toBe(
    "a, b: it needs an AMD GPU, the engine offers none",
  );
});

test("a choice is told with its reasons, and so are the others", () => {
  const machine = machineWith();
  const { templates, job } = meaningOf(catalog, "tts");
  const candidates = templates.map((template) => candidateOf(template, machine, { job }));
  const [, chosen] = candidates;
  if (!chosen) throw new Error("no candidate");
  expect(formatPicked({ chosen, candidates, job })).toMatchInlineSnapshot(`
    "small-tts for tts: it runs anywhere
    Others for tts, by --as:
      – fast-tts    cuda: it needs an NVIDIA GPU, the engine offers none
      – wished-tts  its makers publish no image."
  `);
});
