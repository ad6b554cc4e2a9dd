import Anthropic from "@anthropic-ai/sdk";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  containersOf,
  engine,
  identities,
  inspectStack,
  services,
  type StackFolder,
  stackFolder,
  readIn,
  until,
  writeIn,
} from "../support/cli.ts";
import { getOverTls, makeCertificate, type TestCertificate } from "../support/certificates.ts";

/** Answers a chat with the request's own body, so that a client sees what reached the service. */
const echo = `require("http").createServer(async (request, response) => {
  let content = "";
  for await (const piece of request) content += piece;
  response.setHeader("content-type", "application/json");
  const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
  const usage = { prompt_tokens: 30, completion_tokens: 4, total_tokens: 34 };
  const head = { id: "c", object: "chat.completion", created: 1, model: "mirror" };
  response.end(JSON.stringify(content ? { ...head, choices, usage } : { data: [{ id: "mirror" }] }));
}).listen(9000)`;

const chatting = { port: 9000, provides: ["chat"] };
const command = ["node", "-e", echo];
const environment = { SCENARIO_MODELS: "talk" };
const all = services({
  ollama: { template: "ollama", models: ["llama3.2:1b"], gpus: "none" },
  talker: { ...chatting, image: "nexus-test/scenario:1", models: ["talk"], environment },
  mirror: { ...chatting, image: "node:24-slim", models: ["mirror"], command },
});

const short = { to: ["mirror/mirror"], max_tokens: 16, temperature: 0.5 };

let stack: StackFolder;
/** Every key that a test made, and every line of a certificate's key: none may be seen from outside. */
const secrets: string[] = [];

beforeAll(async () => {
  stack = await stackFolder(all);
  await tellGateway({ aliases: { short } });
  await stack.must("up");
  secrets.push(stack.key());
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("an alias with caps answers, and its service never sees more than they allow", async () => {
  const asked = { model: "short", max_tokens: 999, temperature: 1.5, messages: hello };
  const answer = await chat(stack.key(), asked);

  expect(answer.status).toBe(200);
  const { choices } = (await answer.json()) as Chat;
  const seen = { model: "mirror", max_tokens: 16, temperature: 0.5, messages: hello };
  expect(JSON.parse(choices[0].message.content)).toEqual(seen);
});

describe("a key with a limit", () => {
  let key: string;
  beforeAll(async () => {
    key = await makeKey("limited", "--rpm", "1", "--tokens-per-day", "5000");
  });

  test("is answered 429 with the time to wait once it is used up", async () => {
    expect((await chat(key)).status).toBe(200);
    const refused = await chat(key);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ error: { code: "rate_limit_exceeded" } });
  });

  test("is listed with its limits and its last use, and without the key", async () => {
    const { document } = await stack.json<{ keys: Named }>("keys", "ls");
    expect(document.keys.find(({ name }) => name === "limited")).toMatchObject({
      limits: { requests_per_minute: 1, tokens_per_day: 5000 },
      last_used_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(JSON.stringify(document)).not.toContain(key);
  });

  test("can have it lifted at once, with the others left and no container touched", async () => {
    const before = identities(await inspectStack(stack.name));
    await stack.must("keys", "edit", "limited", "--rpm", "0");

    expect((await chat(key)).status).toBe(200);
    expect((await chat(key)).status).toBe(200);
    const { stdout } = await stack.must("keys", "ls");
    expect(stdout).toMatch(/^limited .*5,?000 tokens\/day/m);
    expect(identities(await inspectStack(stack.name))).toEqual(before);
  });
});

test("`nexus usage` shows what a key used, also after the gateway was restarted", async () => {
  const key = await makeKey("counted");
  await chat(key);
  await chat(key);
  await chat(key, { model: "absent", messages: hello });
  const used = { requests: 3, failures: 1, input_tokens: 60, output_tokens: 8 };
  await until("the books to be written", async () => (await usageOf("counted"))?.unwritten === 0);
  expect(await usageOf("counted")).toMatchObject(used);
  expect((await stack.must("usage")).stdout).toMatch(/^counted +3 +1 +60 +0 +8 /m);
  await restartGateway();
  expect(await usageOf("counted")).toMatchObject(used);
  expect((await chat(key)).status).toBe(200);
});

test("a service's own interface is open to an admin key and to no other", async () => {
  const tags = `${stack.api}/services/ollama/api/tags`;
  const asking = (key: string) => fetch(tags, { headers: { authorization: `Bearer ${key}` } });
  const allowed = await asking(await makeKey("boss", "--scope", "admin"));

  expect(allowed.status).toBe(200);
  expect(await allowed.json()).toMatchObject({ models: [{ name: "llama3.2:1b" }] });
  const refused = await asking(await makeKey("plain"));
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ error: { message: expect.any(String) } });
  expect((await fetch(tags)).status).toBe(401);
});

test("Anthropic's own client has a message made and streamed by a service that speaks OpenAI's API", async () => {
  const client = new Anthropic({ apiKey: stack.key(), baseURL: stack.api, maxRetries: 0 });
  const asked = { model: "talker/talk", max_tokens: 64, messages: hello };
  const message = await client.messages.create(asked);

  expect(message).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" });
  expect(message.content).toMatchObject([{ text: expect.stringContaining("scenario 1") }]);
  expect(message.usage).toMatchObject({ input_tokens: 5, output_tokens: 8 });
  const streamed = await client.messages.stream(asked).finalMessage();
  expect(streamed.content).toEqual(message.content);
});

describe("a certificate", () => {
  const first = makeCertificate();
  const second = makeCertificate();
  beforeAll(async () => {
    secrets.push(...[first, second].flatMap(({ key }) => key.split("\n").slice(1, -2)));
    await giveCertificate(first);
    await tellGateway({ aliases: { short }, tls: { cert: "tls/cert.pem", key: "tls/key.pem" } });
  });

  test("switches the port to https, and no container is touched", async () => {
    const before = identities(await inspectStack(stack.name));
    const { stderr } = await stack.must("up");
    expect(stderr).toContain(stack.api.replace("http:", "https:"));
    expect(await modelsOverTls(first)).toMatch(/^200 .*"mirror"/);
    const plain = await fetch(`${stack.api}/v1/models`);
    expect(plain.status).toBe(400);
    expect(await plain.json()).toMatchObject({ error: { code: "https_required" } });
    expect(identities(await inspectStack(stack.name))).toEqual(before);
  });

  test("is trusted by `nexus chat`, and is nothing to change for the next `up`", async () => {
    const { stdout } = await stack.must("chat", "--model", "talker/talk", "hello");
    expect(stdout).toContain("scenario 1");
    expect(await planned()).toEqual([]);
    expect((await stack.must("up")).stderr).toContain("Nothing to change");
  });

  test("that was renewed is one action, and the new one outlives a restart", async () => {
    await giveCertificate(second);
    expect(await planned()).toEqual(["configure"]);
    await stack.must("up");
    expect(await modelsOverTls(second)).toMatch(/^200/);
    await expect(modelsOverTls(first)).rejects.toThrow(/self-signed|certificate/);
    expect(await planned()).toEqual([]);
    await restartGateway();
    expect(await modelsOverTls(second)).toMatch(/^200/);
  });

  test("and the keys are in nothing that the engine or the logs tell", async () => {
    const told = JSON.stringify(await inspectStack(stack.name));
    const { stdout } = await stack.must("logs");
    expect(secrets.length).toBeGreaterThan(6);
    expect(secrets.filter((secret) => (told + stdout).includes(secret))).toEqual([]);
  });

  test("that is taken out of the stack file leaves plain HTTP behind", async () => {
    await tellGateway({ aliases: { short } });
    expect(await planned()).toEqual(["configure"]);
    await stack.must("up");

    expect((await chat(stack.key())).status).toBe(200);
    expect(await planned()).toEqual([]);
  });
});

type Chat = Readonly<{ choices: readonly [{ message: { content: string } }] }>;
type Named = readonly Readonly<{ name: string }>[];

const hello = [{ role: "user" as const, content: "hello" }];

/** The kinds of what `nexus up` would do. */
async function planned(): Promise<readonly string[]> {
  const { document } = await stack.json<{ actions: readonly { kind: string }[] }>("plan");
  return document.actions.map(({ kind }) => kind);
}

async function tellGateway(settings: object): Promise<void> {
  await stack.write(all);
  const text = await readIn(stack, "nexus.yaml");
  const more = JSON.stringify(settings).slice(1, -1);
  await writeIn(stack, "nexus.yaml", text.replace("gateway: { ", `gateway: { ${more}, `));
}

/** As the engine does it after a crash or a reboot; resolves when the gateway is ready. */
async function restartGateway(): Promise<void> {
  const [gateway] = await containersOf(stack.name, "gateway");
  await engine(`/containers/${gateway?.Id}/restart`, { method: "POST" });
  await until("the gateway to be ready", async () =>
    fetch(`${stack.observability}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

async function makeKey(name: string, ...flags: readonly string[]): Promise<string> {
  const { stdout } = await stack.must("keys", "add", name, ...flags);
  secrets.push(stdout.trim());
  return stdout.trim();
}

function chat(key: string, body: object = { model: "mirror", messages: hello }) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const url = `${stack.api}/v1/chat/completions`;
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

type Used = Readonly<{ rows: Named; ledger: { unwritten: number } }>;

/** What one key used, and how much of the books is not yet on the disk. */
async function usageOf(key: string) {
  const { rows, ledger } = (await stack.json<Used>("usage", "--since", "1h")).document;
  const row = rows.find(({ name }) => name === key);
  return row && { ...row, unwritten: ledger.unwritten };
}

async function giveCertificate({ certificate, key }: TestCertificate): Promise<void> {
  await writeIn(stack, "tls/cert.pem", certificate);
  await writeIn(stack, "tls/key.pem", key);
  await chmod(join(stack.directory, "tls/key.pem"), 0o600);
}

const modelsOverTls = (trusted: TestCertificate): Promise<string> =>
  getOverTls(`${stack.api}/v1/models`, { key: stack.key(), trusted });
