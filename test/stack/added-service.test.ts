import { describe, expect, test } from "vitest";
import { additionOf, companionsOf, openQuestions } from "../../src/stack/added-service.ts";
import { machineWith, nvidia, templateOf } from "../catalog/templates.ts";

const exporter = templateOf("exporter", {
  variants: [{ name: "cuda", when: { vendor: "nvidia" }, because: "it reads the driver" }],
});
const store = templateOf("store", { writes: { volumes: ["kept:/data"] } });
const dashboard = templateOf("dashboard", {
  writes: { ports: ["3000:80"], environment: { STORE: "http://{service}-store" } },
  companions: [
    { template: "store", service: { environment: { FOR: "{service}" } } },
    { template: "exporter", name: "exporter" },
  ],
});
const catalog = [exporter, store, dashboard];
const alone = { catalog, machine: machineWith(), services: new Map() };

describe("what is written for a template", () => {
  test("its id, what people must see, and the keys that were given over that", () => {
    expect(
      additionOf(store, { name: "s", keys: { volumes: ["mine:/data"], gpus: "none" } }, alone),
    ).toEqual({
      services: [{ name: "s", spec: { template: "store", volumes: ["mine:/data"], gpus: "none" } }],
      leftOut: [],
    });
  });

  test("its companions, named after it, where they fit the machine", () => {
    const first = { name: "view", keys: { environment: { A: "1" } } };
    const added = additionOf(dashboard, first, alone);
    expect(added.services).toEqual([
      {
        name: "view",
        spec: {
          template: "dashboard",
          ports: ["3000:80"],
          environment: { STORE: "http://view-store", A: "1" },
        },
      },
      {
        name: "view-store",
        spec: { template: "store", volumes: ["kept:/data"], environment: { FOR: "view" } },
      },
    ]);
    expect(added.leftOut).toEqual([
      "exporter is left out: cuda: it needs an NVIDIA GPU, the engine offers none.",
    ]);
    const machine = machineWith([nvidia("L4", "8.9", 23)]);
    expect(additionOf(dashboard, first, { ...alone, machine }).services).toHaveLength(3);
  });

  test("a companion that is there already is kept as it is", () => {
    const services = new Map([["view-store", "store"]]);
    const added = additionOf(dashboard, { name: "view", keys: {} }, { ...alone, services });
    expect(added.services.map(({ name }) => name)).toEqual(["view"]);
    expect(added.leftOut).toContain("view-store is there already.");
  });
});

test("the companions of a service are known when it goes", () => {
  const services = new Map([
    ["view", "dashboard"],
    ["view-store", "store"],
    ["exporter", "other"],
  ]);
  expect(companionsOf("view", { catalog, services })).toEqual(["view-store"]);
  expect(companionsOf("view-store", { catalog, services })).toEqual([]);
});

describe("what has to be asked", () => {
  const asking = templateOf("asking", {
    asks: [
      { key: "external", question: "Where is it?", example: "http://mac:1" },
      { key: "environment.PLACE", question: "Which place?", example: "home" },
    ],
  });
  const keysOf = (keys: Readonly<Record<string, unknown>>) =>
    openQuestions(asking, keys).map(({ key }) => key);

  test("is what its template says and nobody has said", () => {
    expect(keysOf({})).toEqual(["external", "environment.PLACE"]);
    expect(keysOf({ external: "http://a:1", environment: { PLACE: "here" } })).toEqual([]);
  });

  test("and a model where the software cannot start without one", () => {
    const loader = templateOf("loader", { models_as: { least: 1, command: ["{model}"] } });
    expect(openQuestions(loader, {}).map(({ key }) => key)).toEqual(["models"]);
    expect(openQuestions(loader, { models: ["m"] })).toEqual([]);
    const ready = templateOf("ready", {
      models_as: { least: 1, command: ["{model}"] },
      writes: { models: ["m"] },
    });
    expect(openQuestions(ready, {})).toEqual([]);
  });
});
