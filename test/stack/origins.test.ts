import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { effectiveStack, formatEffective } from "../../src/stack/format.ts";
import { type LoadedStack, loadStack } from "../../src/stack/load.ts";
import { folderOf, load } from "./folder.ts";

const files = {
  ".env": "TAG=2\n",
  "a.env": "FROM_FILE=1\nDOLLAR=a$$b\n",
  "gateway.yaml":
    "gateway:\n  port: 9900\n  aliases: {small: {to: ollama/llama3.2:3b, max_tokens: 512, temperature: 0.5}}\n  heartbeat: off\n  timeouts: {idle: 90s, total: off}\n",
  "nexus.yaml": `name: t
include: [gateway.yaml]
services:
  ollama:
    template: ollama
    models: []
    mem_limit: 8g
    env_file: a.env
    environment:
      - OLLAMA_KEEP_ALIVE=\${KEEP}
      - HOME
      - MULTI=one
    volumes: [./d:/d:ro]
    tmpfs: /run:size=1m,mode=755
    secrets: [s]
    depends_on: [job]
    healthcheck: {test: "true", interval: 90s}
  job:
    image: x:\${TAG}
    restart: "no"
  mac:
    external: http://mac/v1
    max_concurrency: 2
`,
};
const environment = { KEEP: "1h", HOME: "/home/me" };

function from({ origins }: LoadedStack, path: string): string | undefined {
  return origins.find((origin) => origin.path === path)?.from;
}

test("every value says who gave it", async () => {
  const loaded = await load(files, { environment });
  const says = Object.fromEntries(loaded.origins.map(({ path, from: origin }) => [path, origin]));
  expect(says).toMatchObject({
    name: "nexus.yaml:1",
    "gateway.port": "gateway.yaml:2",
    "gateway.host": "default",
    "services.ollama.image": "template ollama (cpu)",
    "services.ollama.models": "nexus.yaml:6",
    "services.ollama.depends_on.job.condition": "default",
    "services.ollama.mem_limit": "nexus.yaml:7",
    "services.ollama.restart": "default",
    "services.ollama.probe.path": "template ollama",
    "services.ollama.probe.status[0]": "default",
    "services.ollama.environment.FROM_FILE": "a.env:1",
    "services.ollama.environment.OLLAMA_KEEP_ALIVE": "nexus.yaml:10, environment KEEP",
    "services.ollama.environment.HOME": "environment HOME",
    "services.ollama.environment.MULTI": "nexus.yaml:12",
    "services.ollama.environment.OLLAMA_NO_CLOUD": "template ollama",
    "services.ollama.volumes[0].source": "template ollama",
    "services.ollama.volumes[1].target": "nexus.yaml:13",
    "services.job.image": "nexus.yaml:19, .env:1 TAG",
    "services.mac.max_concurrency": "nexus.yaml:23",
    "services.mac.probe.path": "default",
    "volumes.ollama-models.name": "default",
    "secrets.s.file": "default",
  });
  expect(from(loaded, "services.mac.restart")).toBeUndefined();
});

test("sizes and durations are printed as people write them", async () => {
  const { origins } = await load(files, { environment });
  expect(effectiveStack(origins)).toMatchObject({
    gateway: { heartbeat: "off", timeouts: { idle: "1m30s", total: "off" } },
    services: {
      ollama: {
        mem_limit: "8GiB",
        stop_grace_period: "15s",
        tmpfs: ["/run:size=1MiB,mode=755"],
        healthcheck: { interval: "1m30s" },
      },
    },
  });
});

test("the printed stack is a stack file that comes to the same stack", async () => {
  await using folder = await folderOf(files);
  const first = await loadStack({ cwd: folder.path, environment });
  const text = formatEffective(first.origins);
  await writeFile(join(folder.path, "printed.yaml"), text);
  const second = await loadStack({ cwd: folder.path, environment: {}, file: "printed.yaml" });
  const plain = ({ stack }: LoadedStack): unknown => ({
    ...stack,
    file: "",
    services: stack.services.map((service) => ({ ...service, origin: "" })),
  });
  expect(plain(second)).toEqual(plain(first));
  expect(text).toContain("DOLLAR: a$$b");
  expect(text).toMatch(/^name: t {2,}# nexus\.yaml:1$/m);
});
