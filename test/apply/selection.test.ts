import { expect, test } from "vitest";
import {
  generationsOf,
  runningContainer,
  selectServices,
  ServiceNotRunningError,
  servicesOf,
  UnknownServiceError,
} from "../../src/apply/selection.ts";
import { container } from "../support/builders.ts";

const containers = [
  container("llm"),
  container("llm", { identity: { generation: 2 }, state: "created" }),
  container("gateway"),
  container("llm", { identity: { generation: 0, role: "job" } }),
];

test("no name means all, and a wrong name is told with the nearest", () => {
  expect(selectServices([], ["a", "b"])).toEqual(["a", "b"]);
  expect(selectServices(["b", "b"], ["a", "b"])).toEqual(["b"]);
  expect(() => selectServices(["olama"], ["ollama"])).toThrow(UnknownServiceError);
  expect(new UnknownServiceError("olama", ["ollama"]).remedy).toContain("Did you mean `ollama`?");
});

test("the gateway comes first, and a helper of ours is no generation of a service", () => {
  expect(servicesOf(containers)).toEqual(["gateway", "llm"]);
  expect(generationsOf(containers, "llm").map(({ name }) => name)).toEqual([
    "home-llm-2",
    "home-llm-1",
  ]);
});

test("the newest container that runs is the one that is meant", () => {
  expect(runningContainer(containers, "llm").name).toBe("home-llm-1");
  expect(() => runningContainer(containers, "ocr")).toThrow(ServiceNotRunningError);
});
