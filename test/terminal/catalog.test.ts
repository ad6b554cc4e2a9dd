import { expect, test } from "vitest";
import { formatCatalog, formatTemplate } from "../../src/terminal/catalog.ts";
import { templateDocument } from "../../src/terminal/catalog-document.ts";
import { plainTheme as theme } from "../../src/terminal/theme.ts";
import { machineWith, nvidia, templateOf } from "../catalog/templates.ts";

const fast = templateOf("fast", {
  service: { port: 80, provides: ["tts"] },
  jobs: { tts: { rank: 1, because: "it is the fastest" } },
  variants: [
    {
      name: "cuda",
      when: { vendor: "nvidia", compute: ">=7.5 <9", driver: ">=580", vram: ">=8" },
      because: "it is built on CUDA",
      service: { image: "fast:1-cuda" },
    },
    {
      name: "cpu",
      when: { architecture: ["amd64", "arm64"] },
      because: "it runs without",
      service: { image: "fast:1" },
    },
  ],
  options: [{ name: "SPEED", description: "How fast.", default: "2" }],
  secrets: [{ name: "token", description: "For more voices." }],
  needs: { disk: "2GiB" },
});
const small = templateOf("small", { jobs: { tts: { rank: 2, because: "it is small" } } });
const gone = templateOf("gone", { missing: "its makers publish no image." });
const catalog = [fast, gone, small];
const l4 = machineWith([nvidia("L4", "8.9", 22)]);

test("templates are listed by job, best first, with what each machine gets", () => {
  expect(formatCatalog({ catalog, machine: l4, theme })).toMatchInlineSnapshot(`
    "JOB     TEMPLATE  HERE        PROVIDES  WHAT IT IS FOR
    tts     fast      ✔ cuda      tts       What fast is for.
            small     ✔ any                 What small is for.
    others  gone      ✘ no image            What gone is for.

    nexus catalog <id> shows one; nexus add service <job> adds the best that fits, nexus add service <id> that one."
  `);
  expect(formatCatalog({ catalog, machine: machineWith(), theme })).toMatch(/fast +✔ cpu/);
  expect(formatCatalog({ catalog, machine: machineWith([], "riscv64"), theme })).toMatch(
    /fast +✘ does not fit/,
  );
});

test("without an engine nothing is said of what fits, but what has no image is still said", () => {
  const text = formatCatalog({ catalog, theme });
  expect(text).not.toContain("✔");
  expect(text).toMatch(/gone +✘ no image/);
});

test("a template is shown with its variants, options, secrets and sources", () => {
  expect(formatTemplate(fast, { catalog, machine: l4, theme })).toMatchInlineSnapshot(`
    "fast  fast
      What fast is for.

      provides      tts
      for tts       it is the fastest
      alternatives  small
      needs disk    2GiB
      licence       MIT
      homepage      https://x.example

    HERE  VARIANT  WHEN                                              IMAGE
    ✔     cuda     nvidia, compute >=7.5 <9, driver >=580, vram >=8  fast:1-cuda
          cpu      amd64 or arm64                                    fast:1

    Options, under \`environment\`:
      SPEED  How fast. (2)

    Secrets, under \`secrets\`:
      token  For more voices.

    Known from:
      all
        here

    Add it with: nexus add service fast"
  `);
});

test("what cannot be added says so, and no command to add it", () => {
  const text = formatTemplate(gone, { catalog, theme });
  expect(text).toContain("It cannot be added: its makers publish no image.");
  expect(text).not.toContain("Add it with");
});

test("as a document its ranges are text, and what is not known is null", () => {
  const document = templateDocument(fast, { catalog, machine: undefined });
  expect(document.variants[0]).toEqual({
    name: "cuda",
    when: { vendor: "nvidia", compute: ">=7.5 <9", driver: ">=580", vram: ">=8" },
    because: "it is built on CUDA",
    image: "fast:1-cuda",
  });
  expect(document).toMatchObject({ here: null, missing: null, alternatives: ["small"] });
  expect(templateDocument(fast, { catalog, machine: l4 }).here).toMatchObject({
    variant: "cuda",
    fits: true,
    gpus: ["GPU-L4"],
  });
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
});
