/** A stack as a Compose file, and the way back. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { newStackFile, readStacks } from "../../src/catalog/stacks.ts";
import { composeText } from "../../src/migrate/compose/export.ts";
import { prepareMigration, writeMigration } from "../../src/migrate/compose/migration.ts";
import { formatPlan } from "../../src/plan/format.ts";
import { planUp } from "../../src/plan/plan-up.ts";
import { loadStack } from "../../src/stack/load.ts";
import { readVariables } from "../../src/stack/read-files.ts";
import type { Stack } from "../../src/stack/stack.ts";
import { folderOf } from "../stack/folder.ts";
import { engineDescription, gpu, upInput } from "../support/builders.ts";

const stacks = await readStacks();

type Trip = Readonly<{ before: Stack; after: Stack; compose: string; again: string }>;

/** Writes a stack out as a Compose file, reads that back beside it, and writes it out once more. */
async function roundTrip(files: Readonly<Record<string, string>>): Promise<Trip> {
  await using folder = await folderOf(files);
  const options = { cwd: folder.path, environment: {} };
  const first = await loadStack(options);
  const variables = await readVariables(folder.path, {});
  const compose = composeText(first, variables);
  await writeFile(join(folder.path, "compose.yaml"), compose);
  const wish = { from: "compose" as const, source: [folder.path], output: "again.yaml" };
  await writeMigration(await prepareMigration(wish, {}, async () => undefined));
  const second = await loadStack({ ...options, file: "again.yaml" });
  return {
    before: first.stack,
    after: second.stack,
    compose,
    again: composeText(second, variables),
  };
}

/** A stack without the places that its parts come from. */
function meaning({ services, volumes, gateway, name }: Stack): unknown {
  const sorted = services.toSorted((left, right) => left.name.localeCompare(right.name));
  return {
    name,
    gateway,
    volumes: new Set(volumes),
    services: sorted.map((service) => ({ ...service, origin: "" })),
  };
}

const machine = { engine: engineDescription({ gpuKinds: ["nvidia"] }), gpus: [gpu("GPU-1")] };

/** Lines of a plan, whatever the order of what goes on at once. */
function planOf(stack: Stack): readonly string[] {
  return formatPlan(planUp(upInput(stack, machine)))
    .split("\n")
    .toSorted();
}

test.each(stacks.map(({ id }) => id))("the %s stack comes back as it went", async (id) => {
  const trip = await roundTrip({ "nexus.yaml": await newStackFile(id, {}) });
  expect(meaning(trip.after)).toEqual(meaning(trip.before));
  expect(planOf(trip.after)).toEqual(planOf(trip.before));
  expect(parse(trip.again)).toEqual(parse(trip.compose));
});

const everything = `
name: all
gateway: { port: 9100, observability_port: 9101, aliases: { fast: [llm/m] } }
services:
  llm:
    image: example/llm:1
    port: 9000
    provides: [chat]
    probe: { path: /health, models: openai }
    models: [m]
    gpus: 1
    vram: 4GiB
    mem_limit: 2GiB
    cpus: 1.5
    shm_size: 1g
    command: ["--key", "\${TOKEN}", "--price", "5$$"]
    environment: { A: "x-\${TOKEN}-y", B: "\${OTHER:-plain}" }
    secrets: [hf_token]
    volumes: [data:/data, "./conf:/conf:ro"]
    tmpfs: ["/run:size=64m,mode=1777"]
    healthcheck: { test: [CMD, "true"], interval: 5s }
    labels: { team: a }
    user: "1000:1000"
    cap_add: [NET_BIND_SERVICE]
    read_only: true
    restart: always
  setup: { image: "example/setup:1", restart: "no" }
  worker:
    image: example/worker:1
    egress: false
    depends_on: { llm: { condition: ready }, setup: { condition: service_completed_successfully }, mac: {} }
  shown: { image: "example/ui:1", port: 80, provides: [ui], gateway_key: true, depends_on: [llm], ports: ["127.0.0.1:3000:80"] }
  mac: { external: "http://mac:10240/v1", provides: [chat] }
volumes: { data: { name: shared_data } }
`;

test("every kind of service comes back as it went, and its plan is the same", async () => {
  const trip = await roundTrip({ "nexus.yaml": everything, ".env": "TOKEN=s3cret-value\n" });
  expect(meaning(trip.after)).toEqual(meaning(trip.before));
  expect(planOf(trip.after)).toEqual(planOf(trip.before));
  expect(parse(trip.again)).toEqual(parse(trip.compose));
  expect(trip.compose).not.toContain("s3cret-value");
});

test("what Compose can do stands in Compose's own words", async () => {
  const { compose } = await roundTrip({ "nexus.yaml": everything, ".env": "TOKEN=s3cret-value\n" });
  const { services, networks, volumes, secrets } = parse(compose) as Record<
    string,
    Record<string, unknown>
  >;
  expect(Object.keys(services ?? {})).toEqual(["llm", "setup", "worker"]);
  expect(services).toMatchObject({
    llm: {
      command: ["--key", "${TOKEN}", "--price", "5$$"],
      environment: { A: "x-${TOKEN}-y", B: "plain" },
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      init: true,
      read_only: true,
      tmpfs: ["/run:size=64M,mode=1777"],
      deploy: {
        resources: {
          reservations: { devices: [{ driver: "nvidia", count: 1, capabilities: ["gpu"] }] },
        },
      },
    },
    worker: {
      networks: ["inside"],
      depends_on: {
        llm: { condition: "service_healthy" },
        setup: { condition: "service_completed_successfully" },
      },
    },
  });
  expect(networks).toEqual({ default: {}, inside: { internal: true } });
  expect(volumes).toEqual({ data: { name: "shared_data" } });
  expect(secrets).toEqual({ hf_token: { file: "./.nexus/secrets/hf_token" } });
});
