import { expect, test } from "vitest";
import { judgeStack } from "../../src/apply/stack-status.ts";
import { formatDiagnosis } from "../../src/terminal/diagnosis.ts";
import { formatKeys } from "../../src/terminal/keys.ts";
import { formatModels } from "../../src/terminal/models.ts";
import { formatStatus, statusFingerprint } from "../../src/terminal/status.ts";
import { plainTheme } from "../../src/terminal/theme.ts";
import { container, observedOf, readinessOf } from "../support/builders.ts";

const nowMs = Date.parse("2026-01-01T00:05:00Z");
const look = { theme: plainTheme, nowMs };

const status = judgeStack({
  name: "home",
  observed: observedOf({
    containers: [
      container("gateway", {
        ports: [{ hostIp: "127.0.0.1", hostPort: 8800, containerPort: 8800, protocol: "tcp" }],
      }),
      container("llm"),
      container("ocr", { state: "exited", exitCode: 1, restartCount: 2 }),
    ],
  }),
  readiness: readinessOf("h", [{ id: "llm", url: "http://home-llm-1:8000" }]),
});

test("the table says how each service is, and what to do about those that are not well stands below", () => {
  expect(formatStatus(status, look)).toMatchInlineSnapshot(`
    "SERVICE  STATE      WHY                         IMAGE      UP     RESTARTS  PORTS
    gateway  ✔ ready    it answers and knows 1 key  gateway:1  5 min            8800→8800
    llm      ✔ ready    GET /readyz said 200        llm:1      5 min
    ocr      ✘ crashed                              ocr:1                    2

    ✘ ocr crashed with exit code 1.
      → Look at \`nexus logs ocr\`.

    home: 2 of 3 at their level
    API  http://127.0.0.1:8800/v1"
  `);
});

test("services with GPUs tell whether they use them", () => {
  const gpus = {
    llm: { kind: "partial", percent: 48, detail: "2.4 GiB of 5 GiB", ids: ["GPU-1"] },
    ocr: { kind: "lost", detail: "it wrote of it", ids: ["GPU-2"] },
  } as const;
  const services = status.services.map((each) =>
    each.service === "llm" || each.service === "ocr" ? { ...each, gpu: gpus[each.service] } : each,
  );

  const shown = formatStatus({ ...status, services }, look);
  expect(shown).toMatch(/^SERVICE .* GPU +UP/);
  expect(shown).toMatch(/llm .* PARTIAL 48 % +5 min/);
  expect(shown).toMatch(/ocr .* GPU LOST/);
});

test("ages and numbers of requests are no news to somebody who watches", () => {
  const later = {
    ...status,
    services: status.services.map((each) => ({ ...each, startedAt: "later", inFlight: 9 })),
  };
  expect(statusFingerprint(later)).toBe(statusFingerprint(status));
  expect(statusFingerprint({ ...status, ok: true })).not.toBe(statusFingerprint(status));
});

test("the doctor's findings come with what to do, and a summary", () => {
  const text = formatDiagnosis(
    {
      ok: false,
      checks: [
        { id: "node", verdict: "ok", detail: "Node 24" },
        { id: "engine", verdict: "fail", detail: "nobody answers", fix: "Start it.", exit: 3 },
        { id: "services", verdict: "skip", detail: "needs an engine" },
      ],
    },
    plainTheme,
  );
  expect(text).toMatchInlineSnapshot(`
    "✔ node      Node 24
    ✘ engine    nobody answers
                → Start it.
    – services  needs an engine

    1 thing to mend."
  `);
});

test("keys and models are listed without what must not or need not be seen", () => {
  const key = {
    name: "ci",
    digest: "sha256:0",
    hint: "nx_abcd",
    scopes: ["inference"],
    created_at: "2026-01-01T00:00:00Z",
    expires_at: "2026-01-01T00:01:00Z",
  } as const;
  expect(formatKeys([key], look)).not.toContain("sha256");
  expect(formatKeys([key], look)).toContain("expired");
  expect(formatKeys([], look)).toContain("nexus keys add");
  const model = {
    service: "ollama",
    model: "llama3.2:1b",
    declared: true,
    present: true,
    sizeBytes: 1.3e9,
    aliases: ["fast"],
  };
  expect(formatModels([model], look)).toMatch(/1\.3 GB .*nexus\.yaml, alias fast/);
  expect(formatModels([model], look)).not.toContain("SHARED");
  const shared = { ...model, sharedVolume: "nexus-models", alsoIn: ["second"] };
  expect(formatModels([shared], look)).toMatch(/ollama, second .*nexus-models/);
});
