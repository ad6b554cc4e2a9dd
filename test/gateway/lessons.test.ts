/** Ways in which gateways like this one have failed people. Each is an obligation here, on real sockets. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  errorOf,
  idsOf,
  jsonOf,
  launchGateway,
  type TestGateway,
  upstreamAt,
} from "../support/gateway.ts";
import { beginEvents, chatEvents, reply, startUpstream } from "../support/upstream.ts";
import { deadUrl, type TestUpstream } from "../support/upstream.ts";

let chat: TestUpstream;
let speech: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  chat = await startUpstream(["echo"]);
  speech = await startUpstream(["whisper"]);
  gateway = await launchGateway();
  await gateway.configure([
    upstreamAt(chat.url, { id: "chat", provides: ["chat", "responses"], max_concurrency: 1 }),
    upstreamAt(speech.url, { id: "speech", provides: ["asr", "image"] }),
    upstreamAt(await deadUrl(), { id: "vectors", provides: ["embedding"], models: ["embed"] }),
  ]);
});
afterAll(async () => {
  await gateway.close();
  await Promise.all([chat.stop(), speech.stop()]);
});

const metric = async (line: RegExp) => line.exec(await (await gateway.observe("/metrics")).text());

describe("what is asked is what is answered", () => {
  test("an unknown model is never answered by another one", async () => {
    const asked = chat.received.length;
    const answer = await gateway.chat({ model: "echo-2" });
    expect([answer.status, (await errorOf(answer))["code"]]).toEqual([404, "model_not_found"]);
    expect(chat.received.length).toBe(asked);
  });

  test("a stream says every word, as content, and ends", async () => {
    const text = await (await gateway.chat({ stream: true })).text();
    expect(text).toContain('"delta":{"content":"hello"}');
    expect(text).not.toMatch(/thinking|reasoning/);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test("the ids of tool calls come and go unchanged, streamed or not", async () => {
    const call = { id: "call_x9", type: "function", function: { name: "f", arguments: "{}" } };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    const told = { role: "tool", tool_call_id: "call_x9", content: "42" };
    chat.behave({
      "/v1/chat/completions": ({ body }, response) => {
        if (!JSON.parse(body).stream) {
          return reply(response, 200, JSON.stringify({ choices: [{ index: 0, message }] }));
        }
        beginEvents(response);
        const delta = { tool_calls: [{ index: 0, ...call }] };
        response.end(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`);
      },
    });
    const messages = [{ role: "user", content: "?" }, message, told];
    for (const stream of [false, true]) {
      const answer = await (await gateway.chat({ messages, stream, tools: [] })).text();
      expect(answer).toContain('"id":"call_x9"');
      expect(JSON.parse(chat.received.at(-1)?.body ?? "").messages).toEqual(messages);
    }
  });

  test("the address of an image reaches the client as the service wrote it", async () => {
    const url = "https://images.example/cat.png?signature=a%2Fb";
    speech.behave({
      "/v1/images/generations": (_, response) =>
        reply(response, 200, JSON.stringify({ created: 1, data: [{ url }] })),
    });
    const body = JSON.stringify({ prompt: "a cat" });
    const answer = await gateway.ask("/v1/images/generations", { method: "POST", body });
    expect((await jsonOf<{ data: unknown }>(answer)).data).toEqual([{ url }]);
  });
});

describe("a place in line is given back", () => {
  test("a stream holds its slot to the last byte, and not longer", async () => {
    const release = Promise.withResolvers<void>();
    chat.behave({
      "/v1/chat/completions": async (_, response) => {
        beginEvents(response);
        const [first = "", ...rest] = chatEvents(["one"]);
        response.write(first);
        await release.promise;
        response.end(rest.join(""));
      },
    });
    const before = chat.received.length;
    const first = await gateway.chat({ stream: true });
    const second = gateway.chat({ stream: true });
    await expect.poll(() => metric(/nexus_queue_depth\{[^}]*chat[^}]*\} 1/)).toBeTruthy();
    expect(chat.received.length).toBe(before + 1);
    release.resolve();
    expect(await first.text()).toContain("[DONE]");
    expect(await (await second).text()).toContain("[DONE]");
  });

  test("failed tool requests cost no slot: after many of them the next one is served", async () => {
    chat.behave({ "/v1/chat/completions": (_, response) => void response.destroy() });
    const tools = [{ type: "function", function: { name: "f" } }];
    for (let failed = 0; failed < 20; failed += 1) {
      expect((await gateway.chat({ tools })).status).toBeGreaterThanOrEqual(500);
    }
    chat.behave({ "/v1/chat/completions": (_, response) => reply(response, 200, "{}") });
    await expect.poll(async () => (await gateway.chat({ tools })).status).toBe(200);
  });
});

describe("one part's trouble stays its own", () => {
  test("a service that is down leaves the gateway ready, and says so of that service only", async () => {
    const answer = await gateway.ask("/readyz");
    expect(answer.status).toBe(200);
    const { upstreams } = await jsonOf<{ upstreams: { id: string; state: string }[] }>(answer);
    expect(upstreams).toContainEqual({ id: "vectors", state: "unreachable" });
  });

  test("chat goes on while nobody can embed", async () => {
    const body = JSON.stringify({ model: "embed", input: "x" });
    const embed = await gateway.ask("/v1/embeddings", { method: "POST", body });
    expect(embed.status).toBe(503);
    expect((await gateway.chat({})).status).toBe(200);
  });

  test("a service that is configured is reached, whatever it provides", async () => {
    const form = new FormData();
    form.set("file", new Blob(["RIFF"]), "a.wav");
    const answer = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}` },
      body: form,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-backend-used")).toBe("speech");
  });
});

describe("what is known is told, to those it belongs to", () => {
  test.each(["/health", "/readyz", "/v1/metadata"])("%s answers on the API port", async (path) => {
    expect((await fetch(gateway.url + path)).status).toBe(200);
  });

  test("each request is counted, with a sample to show for it", async () => {
    const count = async () =>
      Number(
        (await metric(/nexus_requests_total\{endpoint="\/v1\/models"[^}]*\} (\d+)/))?.[1] ?? 0,
      );
    const before = await count();
    await idsOf(await gateway.ask("/v1/models"));
    await expect.poll(count).toBe(before + 1);
  });

  test("a key without the scope `admin` can be made, and no request can give it more", async () => {
    const key = await gateway.addKey({ name: "plain", models: ["echo"] });
    const headers = { authorization: `Bearer ${key}` };
    for (const path of [
      "/v1/keys",
      "/v1/keys/plain",
      "/keys",
      "/config",
      "/control",
      "/v1/policy",
    ]) {
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const body = JSON.stringify({ scopes: ["admin"], models: null });
        const { status } = await gateway.ask(path, { method, headers, body });
        expect([404, 405]).toContain(status);
      }
    }
    const listed = await gateway.control.call({ op: "keys.list" });
    expect(listed.ok).toContainEqual(
      expect.objectContaining({ name: "plain", scopes: ["inference"], models: ["echo"] }),
    );
  });

  test("what one key left with a service is not there for another key", async () => {
    const body = JSON.stringify({ model: "echo", input: "mine" });
    const made = await gateway.ask("/v1/responses", { method: "POST", body });
    const { id } = await jsonOf<{ id: string }>(made);
    expect((await gateway.ask(`/v1/responses/${id}`)).status).toBe(200);
    const headers = { authorization: `Bearer ${await gateway.addKey({ name: "other" })}` };
    expect((await gateway.ask(`/v1/responses/${id}`, { headers })).status).toBe(404);
  });
});
