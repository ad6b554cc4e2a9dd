import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import {
  beginEvents,
  reply,
  startUpstream,
  type Behaviour,
  type TestUpstream,
} from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway({ NEXUS_GATEWAY_QUEUE_LENGTH: "20" });
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const answerSoon: Behaviour = (request, response) => {
  const { stream } = JSON.parse(request.body);
  if (!stream) return void setImmediate(() => reply(response, 200, '{"choices":[{}]}'));
  beginEvents(response);
  response.write("data: {}\n\n");
  setImmediate(() => response.end("data: [DONE]\n\n"));
};

describe("admission", () => {
  test("under ten times the load no more requests are in flight than may be, every key is served, and who is refused is told when to return", async () => {
    const full = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/chat/completions": async (request, response, aborted) => {
        await full.promise;
        await answerSoon(request, response, aborted);
      },
    });
    upstream.load.most = 0;
    const places = 4 + 20;
    let refused = 0;
    await gateway.configure([upstreamAt(upstream.url, { max_concurrency: 4 })]);
    const keys = await Promise.all(
      ["greedy", "modest", "third"].map((name) => gateway.addKey({ name })),
    );
    const askers = [220, 12, 8].flatMap((count, index) => Array(count).fill(keys[index]));
    const answers = await Promise.all(
      askers.map(async (key: string, index) => {
        const headers = { authorization: `Bearer ${key}` };
        const response = await gateway.chat({ stream: index % 2 === 0 }, { headers });
        if (response.status === 429) refused += 1;
        if (refused === askers.length - places) full.resolve();
        await response.clone().text();
        return { key, response };
      }),
    );
    expect(upstream.load.most).toBe(4);
    const served = answers.filter(({ response }) => response.status === 200);
    expect([served.length, refused]).toEqual([places, askers.length - places]);
    for (const { response } of answers.filter((answer) => answer.response.status === 429)) {
      const { headers } = response;
      expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(Number(headers.get("retry-after-ms"))).toBeGreaterThanOrEqual(1_000);
      expect(headers.get("x-should-retry")).toBe("true");
      expect((await errorOf(response))["code"]).toBe("queue_full");
    }
    for (const key of keys.slice(1)) {
      const own = served.filter((answer) => answer.key === key);
      expect(own.length).toBeGreaterThanOrEqual(6);
    }
    expect((await gateway.chat({})).status).toBe(200);
    expect(await gateway.metric('nexus_queue_depth{upstream="one"}')).toBe(0);
  });

  test("services that share a limit work on no more requests than it allows, all together", async () => {
    const neighbour = await startUpstream(["picture"]);
    let now = 0;
    let most = 0;
    const work: Behaviour = (_, response) => {
      now += 1;
      most = Math.max(most, now);
      setImmediate(() => {
        now -= 1;
        reply(response, 200, '{"choices":[{}]}');
      });
    };
    for (const peer of [upstream, neighbour]) peer.behave({ "/v1/chat/completions": work });
    const shared_limits = [{ name: "gpu 0", max_concurrency: 2 }];
    await gateway.configure([
      upstreamAt(upstream.url, { shared_limits }),
      upstreamAt(neighbour.url, { id: "two", shared_limits }),
    ]);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        gateway.chat({ model: index % 2 === 0 ? "echo" : "picture" }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
    expect(most).toBe(2);
    expect(await gateway.metric('nexus_shared_limit{limit="gpu 0"}')).toBe(2);
    expect(await gateway.metric('nexus_shared_limit_in_flight{limit="gpu 0"}')).toBe(0);
    await neighbour.stop();
  });

  test("a client that says how long it waits is refused by then, with its place given to the next", async () => {
    const held = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/chat/completions": async (_, response) => {
        await held.promise;
        reply(response, 200, '{"choices":[{}]}');
      },
    });
    await gateway.configure([upstreamAt(upstream.url, { max_concurrency: 1 })]);
    const before = upstream.received.length;
    const first = gateway.chat({});
    await upstream.untilReceived(before + 1);
    const refused = await gateway.chat({}, { headers: { "x-stainless-timeout": "1" } });
    expect([refused.status, (await errorOf(refused))["code"]]).toEqual([429, "queue_timeout"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    held.resolve();
    expect((await first).status).toBe(200);
    expect(upstream.received).toHaveLength(before + 1);
  });

  test("the limit that a service's own metadata tells holds when the stack names none", async () => {
    upstream.behave({
      "/v1/metadata": (_, response) => {
        const service = { name: "native", version: "2" };
        const document = { schema_version: "v1", service, capabilities: { max_concurrency: 1 } };
        reply(response, 200, JSON.stringify(document));
      },
      "/v1/chat/completions": (_, response) => {
        setImmediate(() => reply(response, 200, '{"choices":[{}]}'));
      },
    });
    upstream.load.most = 0;
    await gateway.configure([upstreamAt(upstream.url, { id: "native" })]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => gateway.chat({})));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(upstream.load.most).toBe(1);
    const metadata = await (await gateway.observe("/services/native/v1/metadata")).json();
    expect(metadata).toMatchObject({ service: { name: "native", version: "2" } });
  });
});
