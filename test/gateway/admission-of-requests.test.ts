import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { beginEvents, reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

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

describe("admission", () => {
  test("under ten times the load no more requests are in flight than may be, and who is refused is told when to return", async () => {
    upstream.behave({
      "/v1/chat/completions": (request, response) => {
        const { stream } = JSON.parse(request.body);
        if (!stream)
          return setImmediate(() => reply(response, 200, '{"choices":[{}]}')) && undefined;
        beginEvents(response);
        response.write("data: {}\n\n");
        setImmediate(() => response.end("data: [DONE]\n\n"));
      },
    });
    upstream.load.most = 0;
    await gateway.configure([upstreamAt(upstream.url, { max_concurrency: 4 })]);
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const response = await gateway.chat({ stream: index % 2 === 0 });
        await response.clone().text();
        return response;
      }),
    );
    expect(upstream.load.most).toBeLessThanOrEqual(4);
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.every(({ status }) => status === 200 || status === 429)).toBe(true);
    for (const response of refused) {
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect((await errorOf(response))["code"]).toBe("queue_full");
    }
    expect((await gateway.chat({})).status).toBe(200);
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
