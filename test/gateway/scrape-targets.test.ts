import { afterAll, beforeAll, expect, test } from "vitest";
import { jsonOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await launchGateway();
});

afterAll(() => gateway.close());

const targets = async () => jsonOf(await gateway.observe("/metrics/targets"));

test("Prometheus is told of the services that have metrics of their own, where they are now", async () => {
  expect(await targets()).toEqual([]);
  await gateway.configure([
    upstreamAt("http://home-vllm-2:8000", { id: "vllm", metrics_path: "/metrics" }),
    upstreamAt("http://home-ollama-1:11434", { id: "ollama" }),
  ]);
  expect(await targets()).toEqual([
    {
      targets: ["home-vllm-2:8000"],
      labels: { service: "vllm", __metrics_path__: "/metrics", __scheme__: "http" },
    },
  ]);
});
