/** Run with `npm test`. Keep this file and let it grow with the service. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createApp } from "./app.ts";
import { readSettings } from "./settings.ts";
import { WarmUp } from "./warm-up.ts";

const warmUp = new WarmUp(0);
const server = createApp(readSettings({ SERVICE_NAME: "mine", TOKEN_DELAY_MS: "0" }), warmUp);
let base = "";

before(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
});

after(() => server.close());

function post(path: string, body: unknown): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
}

test("it is ready once it has warmed up, and not before", async () => {
  assert.equal((await fetch(`${base}/readyz`)).status, 503);
  await warmUp.run();
  assert.equal((await fetch(`${base}/readyz`)).status, 200);
});

test("it describes itself under its own name", async () => {
  const response = await fetch(`${base}/v1/metadata`);
  assert.partialDeepStrictEqual(await response.json(), {
    schema_version: "v1",
    service: { name: "mine" },
  });
});

test("it answers chats", async () => {
  const messages = [{ role: "user", content: "Hello there" }];
  const response = await post("/v1/chat/completions", { model: "echo-1", messages });
  assert.partialDeepStrictEqual(await response.json(), {
    choices: [{ message: { content: "Hello there" }, finish_reason: "stop" }],
  });
});

test("its form's endpoint does what the form says", async () => {
  const response = await post("/v1/example/process", { text: "abc", mode: "reverse" });
  assert.partialDeepStrictEqual(await response.json(), { result: "cba" });
});

test("a mistake is answered with an error that names the field", async () => {
  const response = await post("/v1/example/process", { text: "abc", mode: "nonsense" });
  assert.equal(response.status, 400);
  assert.partialDeepStrictEqual(await response.json(), { error: { param: "mode" } });
});
