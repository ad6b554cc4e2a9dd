import { describe, expect, test } from "vitest";
import { gatewayConfigSchema } from "../../src/gateway/config.ts";
import { gatewayConfig } from "../../src/plan/gateway-config.ts";
import { emptyWorld } from "./model.ts";
import { planIn, up, withGpus } from "./scenario.ts";
import { external, job, service, stackOf } from "../support/builders.ts";

const stack = stackOf([
  service("ollama", { models: ["llama3.2:3b"], maxConcurrency: 4 }),
  job("migrate"),
  external("mlx", { url: "http://mac-studio:10240/v1/" }),
]);
const config = gatewayConfig(stack, {
  ollama: { url: "http://home-ollama-1:8000", shared: [] },
});

describe("the gateway's configuration", () => {
  test("names every service that speaks HTTP, in file order", () => {
    expect(config.upstreams.map(({ id, url, api_path }) => [id, url, api_path])).toEqual([
      ["ollama", "http://home-ollama-1:8000", "/v1"],
      ["mlx", "http://mac-studio:10240", "/v1"],
    ]);
  });

  test("is what the gateway's own schema makes of it, so that both compute one hash", () => {
    expect(gatewayConfigSchema.parse(config)).toEqual(config);
  });

  test("holds the limits that the stack sets, and no others", () => {
    expect(config).not.toHaveProperty("timeouts");
    expect(config).not.toHaveProperty("heartbeat_ms");
    const limited = stackOf([]);
    const timeouts = { firstByteMs: 60_000, totalMs: 0 };
    const gateway = { ...limited.gateway, timeouts, heartbeatMs: 0 };
    const written = gatewayConfig({ ...limited, gateway }, {});
    expect(written).toMatchObject({
      timeouts: { first_byte_ms: 60_000, total_ms: 0 },
      heartbeat_ms: 0,
    });
    expect(gatewayConfigSchema.parse(written)).toEqual(written);
  });

  test("holds the caps of aliases, and none where there are none", () => {
    expect(config).not.toHaveProperty("alias_caps");
    const gateway = {
      ...stack.gateway,
      aliases: { small: ["ollama/llama3.2:3b"] },
      aliasCaps: { small: { max_tokens: 512 } },
    };
    const capped = gatewayConfig({ ...stack, gateway }, {});
    expect(capped).toMatchObject({
      aliases: { small: ["ollama/llama3.2:3b"] },
      alias_caps: { small: { max_tokens: 512 } },
    });
    expect(gatewayConfigSchema.parse(capped)).toEqual(capped);
  });

  test("holds the conditions of aliases and those without tools, and none where there are none", () => {
    const gateway = {
      ...stack.gateway,
      aliases: { auto: ["ollama/llama3.2:3b"] },
      aliasRules: { auto: [{ tools: true, to: ["mlx/big"], alias: "default" }] },
      aliasesWithoutTools: ["auto"],
    };
    const written = gatewayConfig({ ...stack, gateway }, {});
    expect(written).toMatchObject({
      alias_rules: { auto: [{ tools: true, to: ["mlx/big"], alias: "default" }] },
      aliases_without_tools: ["auto"],
    });
    expect(gatewayConfigSchema.parse(written)).toEqual(written);
    expect(config).not.toHaveProperty("alias_rules");
    expect(config).not.toHaveProperty("aliases_without_tools");
  });

  test("has the services on one GPU share the limit that the stack sets for GPUs", () => {
    const on = (...ids: string[]) =>
      ({ gpus: { kind: "ids", ids }, vramBytes: 1024 ** 3 }) as const;
    const services = [
      service("chat", on("GPU-1")),
      service("large", on("GPU-1", "GPU-2")),
      service("cpu"),
    ];
    const unlimited = stackOf(services);
    const limited = { ...unlimited, gateway: { ...unlimited.gateway, gpuConcurrency: 2 } };
    const limitsIn = (shared: typeof unlimited) =>
      planIn(emptyWorld, shared, withGpus("GPU-1", "GPU-2")).actions.flatMap((action) =>
        action.kind === "configure"
          ? action.config.upstreams.map(({ id, shared_limits: limits }) => [id, limits])
          : [],
      );
    const gpu = (id: string) => ({ name: `gpu ${id}`, max_concurrency: 2 });
    expect(limitsIn(limited)).toEqual([
      ["chat", [gpu("GPU-1")]],
      ["large", [gpu("GPU-1"), gpu("GPU-2")]],
      ["cpu", undefined],
    ]);
    expect(limitsIn(unlimited)).toEqual(["chat", "large", "cpu"].map((id) => [id, undefined]));
    const before = up(unlimited, withGpus("GPU-1", "GPU-2"));
    const changes = planIn(before, limited, withGpus("GPU-1", "GPU-2")).actions;
    expect(new Set(changes.map(({ kind }) => kind))).toEqual(new Set(["configure", "await"]));
  });

  test("names the collector that the stack names, and none otherwise", () => {
    expect(config).not.toHaveProperty("otlp");
    const plain = stackOf([]);
    const otlp = { endpoint: "http://collector:4318" };
    const written = gatewayConfig({ ...plain, gateway: { ...plain.gateway, otlp } }, {});
    expect(written.otlp).toEqual(otlp);
    expect(gatewayConfigSchema.parse(written)).toEqual(written);
  });

  test("asks an endpoint without a probe for its models", () => {
    const { probe: _probe, ...bare } = external("mlx");
    const [upstream] = gatewayConfig(stackOf([bare]), {}).upstreams;
    expect(upstream?.probe).toEqual({
      path: "/v1/models",
      status: [200],
      loading: [503],
      models: "openai",
    });
  });
});

test("the origins of web pages go to the gateway when the stack names any", () => {
  const closed = stackOf([]);
  expect(gatewayConfig(closed, {})).not.toHaveProperty("cors");
  const cors = ["https://chat.example"];
  const open = { ...closed, gateway: { ...closed.gateway, cors } };
  expect(gatewayConfig(open, {})).toMatchObject({ cors });
});
