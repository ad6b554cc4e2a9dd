/** Harbor's settings become a stack; its folder is read and nothing more. */
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { convertHarbor } from "../../src/migrate/harbor/convert.ts";
import { knownServices } from "../../src/migrate/harbor/known.ts";
import { prepareMigration } from "../../src/migrate/compose/migration.ts";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { loadStack } from "../../src/stack/load.ts";
import { formatMigration, migrationDocument } from "../../src/terminal/migration.ts";
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

test("every service that it knows has a template with that port", async () => {
  const catalog = await readCatalog();
  const ports = Object.values(knownServices).map(({ template, port }) => [template, port]);
  const ours = ports.map(([id]) => [id, catalog.find((each) => each.id === id)?.service["port"]]);
  expect(ours).toEqual(ports);
});

test("it never throws, whatever the settings say", () => {
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
    fc.property(text, (env) => {
      const harbor = { folder: "/h/.harbor", home: "/h", text: env, isFolder: () => true };
      expect(convertHarbor(harbor).stack).toBeTypeOf("object");
    }),
  );
});
