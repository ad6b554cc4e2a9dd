/** Harbor's settings become a stack; its folder is read and nothing more. */
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { convertHarbor } from "../../src/migrate/harbor/convert.ts";
import { knownServices } from "../../src/migrate/harbor/known.ts";
import { prepareMigration, writeMigration } from "../../src/migrate/compose/migration.ts";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { loadStack } from "../../src/stack/load.ts";
import { formatMigration, migrationDocument } from "../../src/terminal/migration.ts";
import { planOn } from "../catalog/planned.ts";
import { machineWith, nvidia } from "../catalog/templates.ts";
import { folderOf } from "../stack/folder.ts";

const settings = `# Harbor's settings, in our words
HARBOR_SERVICES_DEFAULT="ollama;llamacpp;vllm;webui;litellm"
HARBOR_HF_CACHE="~/.cache/huggingface"
HARBOR_HF_TOKEN="hf_notARealTokenOfAnybody"
HARBOR_OLLAMA_CACHE="~/.ollama"
HARBOR_OLLAMA_HOST_PORT=33821
HARBOR_OLLAMA_VERSION="latest"
HARBOR_LLAMACPP_MODEL="https://example.com/model.gguf"
HARBOR_VLLM_MODEL="Qwen/Qwen3-0.6B"
HARBOR_VLLM_HOST_PORT=33911
HARBOR_WEBUI_SECRET="h@rb0r"
`;

const files = {
  ".harbor/.env": settings,
  ".harbor/services/webui/webui.db": "",
  ".ollama/models/none": "",
  "stack/keep": "",
};

async function read(home: string) {
  return prepareMigration({ from: "harbor", source: ["."] }, { HOME: home }, async () => undefined);
}

test("services with a template go on with their models, ports and data", async () => {
  await using home = await folderOf(files);
  const { conversion } = await read(home.path);
  expect(conversion.stack["services"]).toEqual({
    ollama: {
      template: "ollama",
      volumes: [`${join(home.path, ".ollama")}:/root/.ollama`],
      ports: ["127.0.0.1:33821:11434"],
    },
    llamacpp: { template: "llamacpp" },
    vllm: {
      template: "vllm",
      models: ["Qwen/Qwen3-0.6B"],
      ports: ["127.0.0.1:33911:8000"],
      secrets: ["hf_token"],
    },
    "open-webui": {
      template: "open-webui",
      volumes: [`${join(home.path, ".harbor/services/webui")}:/app/backend/data`],
    },
  });
});

test("what has no place is told with its file and line, and no secret is", async () => {
  await using home = await folderOf(files);
  const migration = await read(home.path);
  const told = formatMigration(migration) + JSON.stringify(migrationDocument(migration, false));
  const place = join(home.path, ".harbor/.env");
  expect(told).toContain(`${place}:2  SERVICES_DEFAULT: litellm has no ready-made service here`);
  expect(told).toContain(`${place}:8  LLAMACPP_MODEL: is no name of a model`);
  expect(told).toContain(`${place}:7  OLLAMA_VERSION: is not taken over`);
  expect(told).not.toMatch(/hf_notAReal|h@rb0r/);
});

test("the stack loads", async () => {
  await using home = await folderOf(files);
  const { text, conversion } = await read(home.path);
  await using stack = await folderOf({ "nexus.yaml": text, ".nexus/secrets/hf_token": "x" });
  const loaded = await loadStack({ cwd: stack.path, environment: {} });
  expect(loaded.stack.services.map(({ name }) => name)).toEqual(
    expect.arrayContaining(conversion.services.map(({ name }) => name)),
  );
});

/** As Harbor ships them, with what somebody wrote below. */
const overrides = {
  ".harbor/services/ollama/override.env": `# only for Ollama
OLLAMA_CONTEXT_LENGTH=16384
OLLAMA_ORIGINS="*"
OLLAMA_HOST="0.0.0.0"
OLLAMA_KEEP_ALIVE=30m
OLLAMA_KEEP_ALIVE=1h
OLLAMA_LOAD_TIMEOUT=\${HARBOR_WAIT}s
OLLAMA_PROMPT='a$b \${c}'
CUDA_VISIBLE_DEVICES=1
PROXY_TOKEN='s3$cret'
COPIED=\${HARBOR_WEBUI_SECRET}
FROM_THE_SHELL
`,
  ".harbor/services/llamacpp/override.env":
    "HSA_OVERRIDE_GFX_VERSION=11.5.1\nLLAMA_ARG_PORT=9000\nLLAMA_API_KEY=0ld-key\nGGML_VK_DEBUG=1",
  ".harbor/services/webui/override.env":
    "OPENAI_API_BASE_URL=https://elsewhere.example/v1\nWEBUI_NAME=mine\nENABLE_SIGNUP=false\n",
  ".harbor/services/vllm/override.env": "HSA_OVERRIDE_GFX_VERSION=11.5.1\n",
  ".harbor/services/litellm/override.env": "LITELLM_DEBUG=1\n",
};

const overridden = {
  ...files,
  ...overrides,
  ".harbor/.env": `${settings}HARBOR_WAIT=90\n`,
};

test("what Harbor laid into one container goes on there, and what a template relies on stays", async () => {
  await using home = await folderOf(overridden);
  const { conversion } = await read(home.path);
  const environments = conversion.services.map(({ name, keys }) => [name, keys["environment"]]);
  expect(Object.fromEntries(environments)).toEqual({
    ollama: {
      OLLAMA_CONTEXT_LENGTH: "16384",
      OLLAMA_ORIGINS: "*",
      OLLAMA_KEEP_ALIVE: "1h",
      OLLAMA_LOAD_TIMEOUT: "90s",
      OLLAMA_PROMPT: "a$$b $${c}",
    },
    llamacpp: { GGML_VK_DEBUG: "1" },
    vllm: { HSA_OVERRIDE_GFX_VERSION: "11.5.1" },
    "open-webui": { ENABLE_SIGNUP: "false" },
  });
});

test("every line of an override that stays behind is told with its place", async () => {
  await using home = await folderOf(overridden);
  const { conversion } = await read(home.path);
  const folder = join(home.path, ".harbor/services/");
  const told = conversion.notes.flatMap(({ kind, file, line, path }) =>
    file.startsWith(folder) ? [`${kind} ${file.slice(folder.length)}:${line} ${path}`] : [],
  );
  expect(told).toEqual([
    "changed ollama/override.env:4 OLLAMA_HOST",
    "changed ollama/override.env:9 CUDA_VISIBLE_DEVICES",
    "changed ollama/override.env:10 PROXY_TOKEN",
    "changed ollama/override.env:11 COPIED",
    "decide ollama/override.env:12 FROM_THE_SHELL",
    "left-out llamacpp/override.env:1 HSA_OVERRIDE_GFX_VERSION",
    "changed llamacpp/override.env:2 LLAMA_ARG_PORT",
    "changed llamacpp/override.env:3 LLAMA_API_KEY",
    "changed webui/override.env:1 OPENAI_API_BASE_URL",
    "left-out webui/override.env:2 WEBUI_NAME",
  ]);
});

test("secrets of an override go to a file of its service's, and nowhere else", async () => {
  await using home = await folderOf(overridden);
  const migration = await read(home.path);
  const told =
    formatMigration(migration) +
    JSON.stringify(migrationDocument(migration, false)) +
    migration.text;
  expect(told).not.toMatch(/s3|cret'|h@rb0r|0ld-key/);
  await using stack = await folderOf({});
  const file = join(stack.path, "nexus.yaml");
  await writeMigration({ ...migration, file });
  const loaded = await loadStack({ cwd: stack.path, environment: {} });
  const ollama = loaded.stack.services.find(({ name }) => name === "ollama");
  expect(ollama).toMatchObject({
    environment: {
      PROXY_TOKEN: "s3$cret",
      COPIED: "h@rb0r",
      OLLAMA_PROMPT: "a$b ${c}",
      OLLAMA_HOST: "0.0.0.0:11434",
    },
  });
});

test.each([
  [
    "ollama;llamacpp;webui;qdrant;speaches;searxng",
    machineWith(),
    ["ollama runs on the CPU: the engine offers no GPU"],
  ],
  [
    "vllm;sglang;comfyui;webui",
    machineWith([1, 2, 3].map((n) => nvidia(`RTX ${n}`, "8.9", 24))),
    [],
  ],
])("what it makes of %s can be brought up", async (enabled, machine, warned) => {
  const env = `${settings.replace(/SERVICES_DEFAULT=.*/, `SERVICES_DEFAULT="${enabled}"`)}HARBOR_WAIT=90\n`;
  await using home = await folderOf({ ...overridden, ".harbor/.env": env });
  await using stack = await folderOf({});
  const file = join(stack.path, "nexus.yaml");
  const migration = await read(home.path);
  await writeMigration({ ...migration, file });
  const { plan, warnings } = await planOn(file, machine);
  const created = plan.actions.flatMap(({ kind, service }) => (kind === "create" ? [service] : []));
  expect(created).toEqual(
    expect.arrayContaining(migration.conversion.services.map(({ name }) => name)),
  );
  expect([...plan.warnings, ...warnings]).toEqual(warned);
});

test("every service that it knows has a template with that port", async () => {
  const catalog = await readCatalog();
  const ports = Object.values(knownServices).map(({ template, port }) => [template, port]);
  const ours = ports.map(([id]) => [id, catalog.find((each) => each.id === id)?.service["port"]]);
  expect(ours).toEqual(ports);
});

test("it never throws, whatever the settings say", async () => {
  const catalog = await readCatalog();
  const words = fc.constantFrom(
    "HARBOR_SERVICES_DEFAULT=",
    "ollama;",
    "vllm",
    "\n",
    "'",
    '"',
    "~",
    "=",
    "HARBOR_VLLM_MODEL=",
    "__proto__",
    "${",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(words).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, text, (env, override) => {
      const around = { isFolder: () => true, textOf: () => override };
      const harbor = { folder: "/h/.harbor", home: "/h", text: env, ...around };
      expect(convertHarbor(harbor, catalog).stack).toBeTypeOf("object");
    }),
  );
});
