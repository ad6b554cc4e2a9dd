import { expect, test } from "vitest";
import type { ObservedContainer } from "../../src/engine/engine.ts";
import type { ProbeReport } from "../../src/gateway/protocol.ts";
import { classify } from "../../src/readiness/classify.ts";
import type { ContainerService, ExternalService } from "../../src/stack/stack.ts";
import { container } from "./stub-engine.ts";

const served: ContainerService = {
  kind: "container",
  name: "speech",
  origin: "nexus.yaml:3",
  provides: ["tts"],
  models: [],
  probe: { path: "/readyz", status: [200], loading: [503], models: "none" },
  ready: "ready",
  stallTimeoutMs: 60_000,
  apiPath: "/v1",
  dependsOn: [],
  image: { kind: "pull", ref: "speech:1", pullPolicy: "missing" },
  port: 9000,
  environment: {},
  readOnly: true,
  init: true,
  capAdd: [],
  mounts: [],
  ports: [],
  gpus: { kind: "none" },
  limits: { pids: 4096 },
  restart: { name: "unless-stopped" },
  devices: [],
  groupAdd: [],
  extraHosts: [],
  labels: {},
  stopGraceMs: 10_000,
  stableMs: 300,
  egress: true,
  secrets: [],
  modelPull: "none",
  oneShot: false,
};
const { probe: _probe, port: _port, ...worker } = { ...served, ready: "running" as const };
const job: ContainerService = { ...worker, oneShot: true };

const ready: ProbeReport = {
  state: "ready",
  detail: "GET /readyz answered 200",
  missing_models: [],
  present_models: [],
  progress_token: "r",
};

type Case = readonly [
  word: string,
  container: Partial<ObservedContainer> | undefined,
  report: Partial<ProbeReport> | undefined,
  service: ContainerService,
];

const cases: readonly Case[] = [
  ["missing", undefined, undefined, served],
  ["created", { state: "created" }, undefined, served],
  ["crashed", { state: "created", error: "exec: nope" }, undefined, served],
  ["crashed", { state: "exited", exitCode: 1 }, undefined, served],
  ["exited", { state: "exited", exitCode: 0 }, undefined, served],
  ["exited", { state: "exited", exitCode: 143, restart: served.restart }, undefined, served],
  ["out-of-memory", { state: "exited", exitCode: 137, oomKilled: true }, undefined, served],
  ["crash-loop", { state: "restarting", exitCode: 1, restartCount: 2 }, undefined, served],
  ["crash-loop", { restartCount: 7 }, { state: "unreachable" }, served],
  ["missing", { state: "removing" }, undefined, served],
  ["running", { state: "paused" }, undefined, served],
  ["running", {}, undefined, served],
  ["running", {}, { state: "unreachable" }, served],
  ["reachable", {}, { state: "reachable" }, served],
  ["loading", {}, { state: "loading" }, served],
  ["unhealthy", { health: "unhealthy" }, { state: "reachable" }, served],
  ["loading", { health: "starting" }, undefined, worker],
];

test.each(cases)("%s is told from %o and %o, and what to do", (word, change, report, service) => {
  const observed = change && container(change);
  const result = classify(observed, report && { ...ready, ...report }, service);
  expect(result).toMatchObject({ state: word, atLevel: false });
  expect(result.sentence).toContain("speech");
  expect(result.remedy).toBeTruthy();
});

const fine: readonly Case[] = [
  ["ready", {}, {}, served],
  ["ready", { health: "unhealthy", restartCount: 5 }, {}, served],
  ["reachable", {}, { state: "reachable" }, { ...served, ready: "reachable" }],
  ["ready", {}, {}, { ...served, ready: "proven" }],
  ["running", {}, undefined, worker],
  ["completed", { state: "exited" }, undefined, job],
];

test.each(fine)("%s is all that is asked for: %o, %o", (word, change, report, service) => {
  const result = classify(container(change), report && { ...ready, ...report }, service);
  expect(result).toMatchObject({ state: word, atLevel: true });
  expect(result).not.toHaveProperty("remedy");
});

test("a container that was never ready ended by itself; one that had its restart policy was stopped", () => {
  const ended = { state: "exited", exitCode: 0 } as const;
  expect(classify(container(ended), undefined, served)).toMatchObject({
    state: "exited",
    sentence: "speech ended by itself (exit code 0) before it could serve.",
    cause: { kind: "exited-early" },
  });
  expect(
    classify(container({ ...ended, restart: served.restart }), undefined, served),
  ).toMatchObject({ state: "exited", sentence: "speech is stopped." });
});

const told = [
  ["still-loading", { state: "loading", status: 503 }, "speech is still loading: GET /readyz"],
  ["not-ready", { state: "reachable", status: 404 }, "speech is not ready: GET /readyz"],
  ["never-listened", { state: "unreachable" }, "speech runs, but nothing answers on its port 9000"],
] as const;

test.each(told)(
  "a probe's report that is %s has the cause that waiting ends with",
  (kind, report, text) => {
    const { cause, sentence } = classify(container(), { ...ready, ...report }, served);
    expect(cause).toMatchObject({ kind });
    expect(sentence).toContain(text);
  },
);

test("nothing is concluded from an upstream that was not looked at yet", () => {
  const report: ProbeReport = { ...ready, state: "unreachable", progress_token: "" };
  expect(classify(container(), report, served)).not.toHaveProperty("cause");
});

test("a missing model is named with its remedy, whatever else the service can do", () => {
  const report: ProbeReport = { ...ready, state: "reachable", missing_models: ["llama3.2:3b"] };
  const lacking = (service: ContainerService) => classify(container(), report, service);
  expect(lacking({ ...served, modelPull: "ollama" })).toMatchObject({
    state: "reachable",
    atLevel: false,
    cause: { kind: "model-missing", models: ["llama3.2:3b"] },
    remedy: expect.stringContaining("nexus models pull llama3.2:3b"),
  });
  expect(lacking(served).remedy).toContain("nexus restart speech");
  expect(lacking(served).remedy).not.toContain("models pull");
});

test("an external service is what the gateway says of it", () => {
  const { kind: _kind, ...shared } = served;
  const external: ExternalService = { ...shared, kind: "external", url: "http://mac:1" };
  expect(classify(undefined, ready, external)).toMatchObject({ state: "ready", atLevel: true });
  const refused: ProbeReport = { ...ready, state: "unreachable", detail: "connection refused" };
  expect(classify(undefined, refused, external)).toMatchObject({
    state: "unreachable",
    atLevel: false,
    sentence: "Nothing answers on port 1 where speech should be (connection refused).",
    cause: { kind: "never-listened", port: 1 },
  });
});

test("an external service of which no more is asked than that it runs is never behind", () => {
  const { image: _, ...shared } = served;
  const external: ExternalService = { ...shared, kind: "external", url: "http://mac:1" };
  const silent = { ...ready, state: "unreachable" as const, progress_token: "" };
  const state = { state: "unreachable", atLevel: true };
  expect(classify(undefined, silent, { ...external, ready: "running" })).toMatchObject(state);
  expect(classify(undefined, undefined, { ...external, ready: "running" })).toMatchObject(state);
  expect(classify(undefined, silent, external)).toMatchObject({ atLevel: false });
});
