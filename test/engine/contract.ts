/** What every engine promises; run against the real one, so that the fake cannot drift. */
import { describe } from "vitest";
import { describeContainers } from "./contract-containers.ts";
import { describeOutput } from "./contract-output.ts";
import { describeResources } from "./contract-resources.ts";
import type { Subject } from "./subject.ts";

/** Holds an engine to the contract. */
export function describeEngine(name: string, subject: Subject): void {
  describe(`${name} keeps the engine contract`, () => {
    describe("for containers", () => {
      describeContainers(subject);
    });
    describe("for output and processes", () => {
      describeOutput(subject);
    });
    describe("for networks, volumes and images", () => {
      describeResources(subject);
    });
  });
}
