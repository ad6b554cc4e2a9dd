import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { findTemplate, readCatalog } from "../../src/catalog/catalog.ts";
import { chooseVariant } from "../../src/catalog/choose-variant.ts";
import { loadStack } from "../../src/stack/load.ts";
import { additionOf } from "../../src/stack/added-service.ts";
import { machineWith, nvidia } from "../catalog/templates.ts";
import { folderOf } from "../stack/folder.ts";

const catalog = await readCatalog();
const directory = (id: string) => findTemplate(catalog, id).directory;
const l4 = nvidia("L4", "8.9", 24);

/** The service that a stack with this template alone has. */
async function resolved(id: string, extra = "") {
  await using folder = await folderOf({
    "nexus.yaml": `services: {${id}: {template: ${id}${extra}}}`,
  });
  const machine = async () => machineWith([l4]);
  const { stack, warnings } = await loadStack({ cwd: folder.path, environment: {}, machine });
  const [service] = stack.services;
  if (service?.kind !== "container") throw new Error("it is a container");
  return { service, warnings };
}

describe("templates around the models", () => {
  test.each([
    "open-webui",
    "searxng",
    "qdrant",
    "prometheus",
    "grafana",
    "dcgm-exporter",
    "nvidia-gpu-exporter",
  ])("%s resolves, with a pinned image and a question for its readiness", async (id) => {
    const { service, warnings } = await resolved(id);
    expect(warnings).toEqual([]);
    expect(service.probe?.path).toMatch(/^\//);
    expect(service.ready).toBe("ready");
  });

  test.each(["searxng", "prometheus", "grafana"])(
    "%s is built on one pinned image, from what its folder lists",
    async (id) => {
      const lines = (await readFile(join(directory(id), "Dockerfile"), "utf8")).trim().split("\n");
      expect(lines[0]).toMatch(/^FROM [\w/.-]+:v?\d+\.\d+[\w.-]*$/);
      expect(lines.slice(1).every((line) => line.startsWith("COPY "))).toBe(true);
    },
  );

  test.each(["dcgm-exporter", "nvidia-gpu-exporter"])(
    "%s fits machines with an NVIDIA GPU and no other, and takes nothing of it",
    async (id) => {
      const template = findTemplate(catalog, id);
      expect(chooseVariant(template, machineWith([l4])).kind).toBe("chosen");
      expect(chooseVariant(template, machineWith()).kind).toBe("refused");
      const amd = { id: "AMD-1", vendor: "amd", name: "Radeon" } as const;
      expect(chooseVariant(template, machineWith([amd])).kind).toBe("refused");
      const { service } = await resolved(id);
      expect(service).toMatchObject({ gpus: { kind: "all" }, vramBytes: 0 });
      expect(service.metricsPath).toBe("/metrics");
    },
  );
});

describe("monitoring", () => {
  const around = (machine = machineWith()) => ({ catalog, machine, services: new Map() });
  const added = (machine = machineWith()) =>
    additionOf(findTemplate(catalog, "prometheus"), { name: "metrics", keys: {} }, around(machine));

  test("is Prometheus with Grafana beside it, which is told where it is", () => {
    const { services, leftOut } = added();
    expect(services.map(({ name }) => name)).toEqual(["metrics", "grafana"]);
    expect(services[1]?.spec).toMatchObject({
      template: "grafana",
      ports: ["127.0.0.1:3001:3000"],
      environment: { PROMETHEUS_URL: "http://metrics:9090" },
    });
    expect(leftOut.join()).toContain("gpu-exporter is left out");
  });

  test("measures GPUs where there are any of NVIDIA's", () => {
    expect(added(machineWith([l4])).services.map(({ name }) => name)).toContain("gpu-exporter");
  });

  test("collects from the gateway, and asks it for the services", async () => {
    const config = parse(await readFile(join(directory("prometheus"), "prometheus.yml"), "utf8"));
    const [gateway, services] = config.scrape_configs;
    expect(gateway.static_configs[0].targets).toEqual(["gateway:8801"]);
    expect(services.http_sd_configs[0].url).toBe("http://gateway:8801/metrics/targets");
  });

  test("lets no service fill its memory, send it elsewhere, or speak in the gateway's name", async () => {
    const config = parse(await readFile(join(directory("prometheus"), "prometheus.yml"), "utf8"));
    const [gateway, services] = config.scrape_configs;
    const bounds = { body_size_limit: "16MB", sample_limit: 50_000, follow_redirects: false };
    expect(services).toMatchObject({ ...bounds, label_value_length_limit: 1024 });
    const [dropped] = services.metric_relabel_configs;
    expect(dropped).toMatchObject({ source_labels: ["__name__"], action: "drop" });
    expect("nexus_key_requests_total").toMatch(new RegExp(`^(?:${dropped.regex})$`));
    expect(gateway.metric_relabel_configs).toBeUndefined();
  });

  test("draws metrics that the gateway has, and no other", async () => {
    const dashboard = JSON.parse(
      await readFile(join(directory("grafana"), "dashboards/gateway.json"), "utf8"),
    );
    const page = await readFile(join(import.meta.dirname, "../../docs/DEPLOYMENT.md"), "utf8");
    const known = new Set(page.match(/(?<=^\| `)\w+(?=` )/gm));
    const panels: readonly { title: string; targets: readonly { expr: string }[] }[] =
      dashboard.panels;
    const used = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/\b(?:nexus|process|nodejs)_\w+/g) ?? []),
    );
    const names = used.map((name) => name.replace(/_bucket$/, ""));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
    expect(new Set(names).size).toBeGreaterThan(12);
    expect(panels.every(({ title, targets }) => title !== "" && targets.length > 0)).toBe(true);
  });
});

describe("the web UI", () => {
  test("reaches the gateway and nothing else, with a key of its own that no setting holds", async () => {
    const { service } = await resolved("open-webui");
    expect(service.gatewayKey?.name).toBe("gateway_key");
    const urls = Object.entries(service.environment).filter(([name]) => name.endsWith("_URL"));
    expect(urls.length).toBeGreaterThan(4);
    expect(new Set(urls.map(([, url]) => url))).toEqual(new Set(["http://gateway:8800/v1"]));
    expect(service.environment["ENABLE_OLLAMA_API"]).toBe("false");
    const keys = Object.keys(service.environment).filter((name) => name.endsWith("_KEY"));
    expect(keys).toEqual([]);
  });

  test("is published on loopback by `add`, where the stack file says so", () => {
    const template = findTemplate(catalog, "open-webui");
    expect(template.writes).toEqual({ ports: ["127.0.0.1:3000:8080"] });
  });
});
