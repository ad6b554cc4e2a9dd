import { expect, test } from "vitest";
import { judgeStack, type StatusFacts } from "../../src/apply/stack-status.ts";
import {
  container,
  external,
  observedOf,
  readinessOf,
  service,
  stackOf,
} from "../support/builders.ts";

const gatewayPorts = [
  { hostIp: "0.0.0.0", hostPort: 9900, containerPort: 8800, protocol: "tcp" as const },
];
const gateway = container("gateway", { ports: gatewayPorts });

function statusOf(facts: Partial<StatusFacts>) {
  return judgeStack({ name: "home", observed: observedOf(), readiness: undefined, ...facts });
}

test("a stack is well when its gateway answers and every service is at its level", () => {
  const status = statusOf({
    observed: observedOf({ containers: [gateway, container("llm")] }),
    readiness: readinessOf("h", [{ id: "llm", url: "http://home-llm-1:8000", in_flight: 3 }]),
  });
  expect(status).toMatchObject({ ok: true, differs: false, api: "http://127.0.0.1:9900/v1" });
  expect(status.services.map(({ service: name, state }) => [name, state])).toEqual([
    ["gateway", "ready"],
    ["llm", "ready"],
  ]);
  expect(status.services[1]?.inFlight).toBe(3);
});

test("the newest generation speaks for a service", () => {
  const old = container("llm");
  const next = container("llm", { identity: { generation: 2 }, state: "exited", exitCode: 1 });
  const status = statusOf({ observed: observedOf({ containers: [old, next] }) });
  expect(status.services[1]).toMatchObject({
    container: "home-llm-2",
    state: "crashed",
    atLevel: false,
  });
});

test("a service that is only in the stack file, and one that is only on the engine, both differ", () => {
  const status = statusOf({
    stack: stackOf([service("llm")]),
    observed: observedOf({ containers: [gateway, container("old")] }),
  });
  expect(status).toMatchObject({ ok: false, differs: true, file: "/home/me/nexus.yaml" });
  expect(status.services.map(({ service: name, differs }) => [name, differs])).toEqual([
    ["gateway", undefined],
    ["llm", "in nexus.yaml, not on the engine"],
    ["old", "no longer in nexus.yaml"],
  ]);
});

test("without a stack file nothing differs, for nothing is wanted", () => {
  const status = statusOf({ observed: observedOf({ containers: [gateway, container("llm")] }) });
  expect(status.differs).toBe(false);
  expect(status).not.toHaveProperty("file");
});

test("an external service is judged by what the gateway says of it", () => {
  const status = statusOf({
    stack: stackOf([external("mac")]),
    readiness: readinessOf("h", [
      { id: "mac", url: "http://mac:10240", state: "unreachable", detail: "connection refused" },
    ]),
  });
  expect(status.services[1]).toMatchObject({
    kind: "external",
    state: "unreachable",
    atLevel: false,
  });
});

test("naming services narrows the status and what counts as well", () => {
  const status = statusOf({
    services: ["llm"],
    observed: observedOf({
      containers: [container("llm"), container("ocr", { state: "exited", exitCode: 1 })],
    }),
    readiness: readinessOf("h", [{ id: "llm", url: "http://home-llm-1:8000" }]),
  });
  expect(status.services.map(({ service: name }) => name)).toEqual(["llm"]);
  expect(status.ok).toBe(true);
});
