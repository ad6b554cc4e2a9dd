/** Flags of `nexus migrate` that do not belong together are refused before anything is read. */
import { expect, test } from "vitest";
import { refuseMismatched } from "../../src/migrate/migrate-flags.ts";

test.each([
  [{ from: "compose", here: ["ai1"] }, "--here is for --from ai-infra"],
  [{ from: "nexus-compose", models: "share" }, "--models is for --from ai-infra"],
  [{ from: "compose", "gateway-port": 80 }, "--gateway-port is for --from ai-infra"],
  [{ from: "ai-infra", source: ["a", "b"], "dry-run": true }, "give --source once"],
  [{ from: "ai-infra", "dry-run": true, "stop-legacy": true }, "--dry-run changes nothing"],
  [{ from: "compose", "stop-legacy": true }, "--stop-legacy is for --from ai-infra"],
  [{ from: "ai-infra", source: ["a"], "stop-legacy": true }, "--source is a copy"],
  [{ rollback: true, here: ["ai1"] }, "it takes no --here"],
  [{ rollback: true, "start-legacy": true }, "it takes no --"],
  [{ host: ["ai1=ssh://ai1"] }, "give --from with it"],
])("%j", (flags, message) => {
  expect(() => {
    refuseMismatched(flags);
  }).toThrow(message);
});

test.each([
  [{}],
  [{ from: "ai-infra", yes: true, "stop-legacy": true }],
  [{ rollback: true, yes: true, json: true, output: "x/nexus.yaml" }],
  [{ "start-legacy": true, host: ["ai1=ssh://ai1"] }],
  [{ from: "compose", source: ["a", "b"], yes: true }],
  [{ from: "ai-infra", source: ["a"], here: ["ai1"], "dry-run": true }],
  [{ from: "ai-infra", source: ["a"], name: "home", "dry-run": true }],
])("%j goes together", (flags) => {
  expect(() => {
    refuseMismatched(flags);
  }).not.toThrow();
});
