import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { beginEvents, chatEvents, startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway();
  upstream.behave({
    "/v1/chat/completions": ({ body }, response) => {
      beginEvents(response);
      const events = chatEvents(["one", "two"]);
      const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
      const telling = `data: ${JSON.stringify({ id: "chat-1", choices: [], usage })}\n\n`;
      const asked = JSON.parse(body).stream_options?.include_usage === true;
      response.end([...events.slice(0, -1), asked ? telling : "", events.at(-1)].join(""));
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

describe("tokens of a stream", () => {
  test("are asked for where the upstream can tell them, and the client sees only what it asked for", async () => {
    await gateway.configure([upstreamAt(upstream.url, { stream_usage: true })]);
    const response = await gateway.chat({ stream: true });
    expect(await response.text()).toBe(chatEvents(["one", "two"]).join(""));
    const sent = JSON.parse(upstream.received.at(-1)?.body ?? "");
    expect(sent.stream_options).toEqual({ include_usage: true });
    expect(await tokens()).toEqual({ input: 11, output: 7 });
    await untilLogged('"input_tokens":11,"output_tokens":7');
  });

  test("are told to a client that asked, whose request is not touched", async () => {
    const body = { stream: true, stream_options: { include_usage: true } };
    const response = await gateway.chat(body);
    expect(await response.text()).toContain('"choices":[],"usage":{"prompt_tokens":11');
    expect(JSON.parse(upstream.received.at(-1)?.body ?? "")).toMatchObject(body);
    expect(await tokens()).toEqual({ input: 22, output: 14 });
  });

  test("are estimated where the upstream is not known to tell them, and the request is not touched", async () => {
    await gateway.configure([upstreamAt(upstream.url, { id: "silent" })]);
    const response = await gateway.chat({ stream: true });
    expect(await response.text()).toBe(chatEvents(["one", "two"]).join(""));
    expect(upstream.received.at(-1)?.body).not.toContain("stream_options");
    const { input, output } = await tokens("silent");
    expect(input).toBeGreaterThan(10);
    expect(output).toBeGreaterThan(1);
  });

  test("of answers that come whole are counted too", async () => {
    await gateway.configure([upstreamAt(upstream.url, { id: "vectors" })]);
    const body = JSON.stringify({ model: "echo", input: "text" });
    await (await gateway.ask("/v1/embeddings", { method: "POST", body })).text();
    expect(await tokens("vectors")).toEqual({ input: 1, output: 0 });
  });
});

/** What the metrics say of the tokens that an upstream was used for. */
async function tokens(service = "one"): Promise<{ input: number; output: number }> {
  const text = await (await gateway.observe("/metrics")).text();
  const of = (type: string) => {
    const line = new RegExp(`nexus_tokens_total\\{.*"${service}",type="${type}"\\} (\\d+)`);
    return Number(line.exec(text)?.[1]);
  };
  return { input: of("input"), output: of("output") };
}

async function untilLogged(text: string): Promise<void> {
  await expect.poll(() => gateway.logText()).toContain(text);
}
