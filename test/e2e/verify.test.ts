import { afterAll, beforeAll, expect, test } from "vitest";
import type { Conformance } from "../../src/verify/verify.ts";
import {
  containersOf,
  engine,
  identities,
  inspectStack,
  readIn,
  services,
  type StackFolder,
  stackFolder,
  until,
  writeIn,
} from "../support/cli.ts";

/** Says that it is ready from its first moment, and cannot chat before it is three seconds old. */
const liar = `const since = Date.now();
const metadata = {
  schema_version: "v1",
  service: { name: "liar" },
  capabilities: { domains: ["chat"], streaming: false },
};
require("http").createServer(async (request, response) => {
  let text = "";
  for await (const piece of request) text += piece;
  const send = (status, document) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(document));
  };
  const fail = (status, message) => send(status, { error: { message, type: "invalid_request_error" } });
  const { url } = request;
  if (url === "/readyz") return send(200, { status: "ready" });
  if (url === "/v1/metadata") return send(200, metadata);
  if (url === "/v1/models") return send(200, { object: "list", data: [{ id: "m" }] });
  if (url !== "/v1/chat/completions") return fail(404, "No such path.");
  if (Date.now() - since < 3000) return fail(503, "The model is not loaded.");
  const choices = [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }];
  send(200, { object: "chat.completion", choices, usage: { prompt_tokens: 1, completion_tokens: 1 } });
}).listen(9000)
process.on("SIGTERM", () => process.exit(0))`;

const members = services({
  ollama: { template: "ollama", models: ["llama3.2:1b", "nomic-embed-text"], gpus: "none" },
  vllm: {
    image: "vllm/vllm-openai:v0.11.0",
    command: ["--model", "qwen"],
    port: 8000,
    provides: ["chat", "embedding"],
    models: ["qwen"],
    probe: { path: "/health", models: "openai" },
    environment: { STAND_IN_LOAD_MS: "800" },
  },
  liar: {
    image: "node:24-slim",
    command: ["node", "-e", liar],
    port: 9000,
    provides: ["chat"],
    models: ["m"],
  },
});

let stack: StackFolder;
let before: readonly string[];

beforeAll(async () => {
  stack = await stackFolder(members);
  await stack.must("add", "service", "parrot", "--scaffold", "--yes");
  await stack.must(
    "add",
    "service",
    "snake",
    "--scaffold",
    "--template",
    "example-python",
    "--yes",
  );
  const written = await readIn(stack, "nexus.yaml");
  await writeIn(
    stack,
    "nexus.yaml",
    written.replaceAll(/SERVICE_NAME: (\w+)/g, "SERVICE_NAME: $1\n      WARM_UP_MS: 1500"),
  );
  await stack.must("up");
  before = identities(await inspectStack(stack.name));
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  const images = await engine<{ RepoTags: readonly string[] | null }[]>("/images/json");
  const built = images.flatMap(({ RepoTags }) => RepoTags ?? []);
  for (const tag of built.filter((each) => each.includes(`/${stack.name}-`)))
    await engine(`/images/${encodeURIComponent(tag)}?force=true`, { method: "DELETE" });
});

async function verify(service: string) {
  const { exitCode, document } = await stack.json<Conformance>("verify", service);
  const row = (check: string) => {
    const { outcome = "", detail = "" } =
      document.findings.find((each) => each.check === check) ?? {};
    return `${outcome}: ${detail}`;
  };
  const failed = document.findings.filter(({ outcome }) => outcome === "fail");
  return {
    exitCode,
    row,
    failed: failed.map(({ check, detail }) => `${check}: ${detail}`),
    document,
  };
}

test.each(["parrot", "snake"])(
  "the scaffold %s passes, a fresh copy of it from its first moment on",
  async (service) => {
    const { exitCode, failed, row, document } = await verify(service);
    expect(failed).toEqual([]);
    expect(exitCode).toBe(0);
    expect(document).toMatchObject({ service, ok: true });
    expect(row("service.name")).toBe(`pass: It calls itself ${service}.`);
    expect(row("honest from the start")).toMatch(/^pass: .*503 from .* then 200 from /);
    expect(row("stops when told")).toMatch(/^pass: /);
    expect(row("as it comes")).toMatch(/^pass: In \d+ pieces over /);
  },
);

test("a service that always says ready fails, and the matrix says at which moment it lied", async () => {
  const { exitCode, stdout } = await stack.run("verify", "liar");
  expect(exitCode).toBe(4);
  expect(stdout).toMatch(/✔ ready means it works/);
  expect(stdout).toMatch(
    /✘ honest from the start .*200 from .*chat failed: .*The model is not loaded/s,
  );
  expect(stdout).toMatch(/liar: \d+ checks? failed, \d+ passed, \d+ not claimed, 0 skipped\./);
});

test("Ollama is held to what its template claims, and not started twice on its volume", async () => {
  const { exitCode, failed, row } = await verify("ollama");
  expect(failed).toEqual([]);
  expect(exitCode).toBe(0);
  expect(row("chat")).toMatch(/^pass: /);
  expect(row("embeddings")).toMatch(/^pass: /);
  expect(row("[DONE]")).toMatch(/^pass: /);
  expect(row("metadata")).toMatch(/^not-claimed: /);
  expect(row("honest from the start")).toMatch(/^skipped: It writes to /);
});

test("vLLM is watched while it loads: 503 until its model answers", async () => {
  const { exitCode, failed, row } = await verify("vllm");
  expect(failed).toEqual([]);
  expect(exitCode).toBe(0);
  expect(row("honest from the start")).toMatch(/^pass: .*503 from .* then 200 from /);
  expect(row("readyz")).toMatch(/^not-claimed: It is asked at \/health/);
});

test("Ctrl-C ends it with 130, and takes the copy away first", async () => {
  const verifying = stack.start(["verify", "vllm"]);
  await until("the copy is there", async () =>
    (await inspectStack(stack.name)).some(({ Name }) => Name.endsWith("-vllm-verify")),
  );
  verifying.kill("SIGINT");
  expect((await verifying).exitCode).toBe(130);
  expect(identities(await inspectStack(stack.name))).toEqual(before);
});

test("a service that the stack does not have is a failure with the names of those it has", async () => {
  const { exitCode, document } = await stack.json("verify", "snek");
  expect(exitCode).toBe(2);
  expect(document).toMatchObject({ error: { code: "NEXUS_UNKNOWN_SERVICE" } });
});

test("nothing of all that touched what serves, and no copy is left", async () => {
  expect(identities(await inspectStack(stack.name))).toEqual(before);
  expect(await containersOf(stack.name, "parrot")).toHaveLength(1);
});
