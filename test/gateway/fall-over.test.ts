import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { reply, startUpstream, type Behaviour, type TestUpstream } from "../support/upstream.ts";

let upstreams: TestUpstream[];
let gateway: TestGateway;

beforeEach(async () => {
  upstreams = await Promise.all([1, 2, 3].map(() => startUpstream(["shared"])));
  gateway = await launchGateway({ NEXUS_GATEWAY_QUEUE_LENGTH: "0" });
});

afterEach(async () => {
  await gateway.close();
  await Promise.all(upstreams.map((upstream) => upstream.stop()));
});

const chat = "/v1/chat/completions";
const names = ["one", "two", "three"];

const configure = (changes: Readonly<Record<string, unknown>> = {}) =>
  gateway.configure(
    upstreams.map(({ url }, index) => upstreamAt(url, { id: names[index], ...changes })),
    { ordered: ["one/shared", "two/shared", "three/shared"] },
  );

const answers =
  (status: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (_, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    reply(response, status, JSON.stringify({ error: { message: "no", type: "x", code: null } }));
  };

async function ask(body: object, headers: Record<string, string> = {}) {
  const response = await gateway.chat(body, { headers });
  await response.clone().text();
  const header = (name: string) => response.headers.get(name);
  return {
    response,
    status: response.status,
    by: header("x-backend-used"),
    because: header("x-router-reason"),
    attempts: header("x-router-attempts"),
  };
}

const counts = () => upstreams.map(({ received }) => received.length);

/** Answers that wait until the test lets them go. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const behaviour: Behaviour = async (_, response) => {
    await promise;
    reply(response, 200, '{"choices":[{}]}');
  };
  return { behaviour, letGo: resolve };
}

describe("fall-over", () => {
  test("tells the story: who was asked, why, and how often", async () => {
    await configure();
    upstreams[0]?.behave({ [chat]: answers(500) });
    upstreams[1]?.behave({ [chat]: (_, response) => void response.destroy() });
    expect(await ask({ model: "ordered" })).toMatchObject({
      status: 200,
      by: "three",
      because: "alias:ordered; one answered 500; two failed",
      attempts: "3",
    });
  });

  test.each([
    ["429 with Retry-After", 429, { "retry-after": "7" }],
    ["429 without", 429, {}],
    ["503 with Retry-After", 503, { "retry-after": "7" }],
  ])("a %s of an upstream is worth another candidate", async (_, status, headers) => {
    await configure();
    upstreams[0]?.behave({ [chat]: answers(status, headers) });
    expect(await ask({ model: "ordered" })).toMatchObject({ status: 200, by: "two" });
    expect(await ask({ model: "ordered" })).toMatchObject({
      status: 200,
      by: "two",
      because: "alias:ordered; set back: one",
    });
    expect(upstreams[0]?.received).toHaveLength(1);
  });

  test.each([400, 401, 404, 409, 422])(
    "a %d is the client's and goes nowhere else",
    async (status) => {
      await configure();
      upstreams[0]?.behave({ [chat]: answers(status) });
      expect(await ask({ model: "ordered" })).toMatchObject({ status, by: "one", attempts: "1" });
      expect(counts()).toEqual([1, 0, 0]);
    },
  );

  test("a full queue sends an ordered alias on, and the last refusal is the answer", async () => {
    await configure({ max_concurrency: 1 });
    const { behaviour, letGo } = held();
    for (const upstream of upstreams) upstream.behave({ [chat]: behaviour });
    const running = upstreams.map(async (upstream) => {
      const answer = ask({ model: "ordered" });
      await upstream.untilReceived(1);
      return answer;
    });
    await Promise.all(upstreams.map((upstream) => upstream.untilReceived(1)));
    const refused = await ask({ model: "ordered" });
    expect([refused.status, (await errorOf(refused.response))["code"]]).toEqual([
      429,
      "queue_full",
    ]);
    expect(refused.because).toBe("alias:ordered; one is full; two is full");
    letGo();
    const served = await Promise.all(running);
    expect(new Set(served.map(({ by }) => by))).toEqual(new Set(names));
  });

  test("one that fails again and again is set back, tried once after a while, and not hammered", async () => {
    await configure();
    upstreams[0]?.behave({ [chat]: answers(500) });
    for (let request = 0; request < 20; request += 1) {
      expect((await ask({ model: "ordered" })).status).toBe(200);
    }
    expect(counts()).toEqual([3, 20, 0]);
    expect(await gateway.metric('nexus_upstream_set_back{upstream="one"}')).toBe(1);
    expect(await gateway.metric('nexus_upstream_set_back{upstream="two"}')).toBe(0);
  });

  test("one that was set back is back once it answers, with an empty body too", async () => {
    await configure();
    const setBack = () => gateway.metric('nexus_upstream_set_back{upstream="one"}');
    upstreams[0]?.behave({ [chat]: answers(500) });
    for (let request = 0; request < 3; request += 1) await ask({ model: "ordered" });
    expect(await setBack()).toBe(1);
    await expect.poll(setBack, { timeout: 8_000 }).toBe(0);
    upstreams[0]?.behave({ [chat]: (_, response) => void response.writeHead(204).end() });
    for (let request = 0; request < 3; request += 1) {
      expect(await ask({ model: "ordered" })).toMatchObject({ status: 204, by: "one" });
    }
    expect(await setBack()).toBe(0);
  }, 12_000);

  test("when everything fails, further attempts stay within their budget", async () => {
    await configure();
    for (const upstream of upstreams) upstream.behave({ [chat]: answers(500) });
    const requests = 100;
    for (let request = 0; request < requests; request += 1) {
      expect((await ask({ model: "ordered" })).status).toBe(500);
    }
    const attempts = counts().reduce((all, count) => all + count, 0);
    const seconds = 10;
    const budget = upstreams.length * (10 + seconds) + requests * 0.1;
    expect(attempts - requests).toBeGreaterThan(0);
    expect(attempts - requests).toBeLessThanOrEqual(budget);
    const denied = await gateway.metric('nexus_retries_denied_total{upstream="two"}');
    expect(denied).toBeGreaterThan(0);
  });

  test("an upstream that is lost is looked at at once", async () => {
    await configure();
    await upstreams[0]?.stop();
    expect(await ask({ model: "ordered" })).toMatchObject({ status: 200, by: "two" });
    const state = 'nexus_upstream_state{upstream="one",state="unreachable"}';
    await expect.poll(() => gateway.metric(state)).toBe(1);
    expect(await ask({ model: "ordered" })).toMatchObject({ by: "two", attempts: "1" });
  });
});

test("an alias with caps asks every candidate for no more, and a model asked by its own name has none", async () => {
  const config = {
    version: 1 as const,
    stack: "test",
    upstreams: upstreams.map(({ url }, index) => upstreamAt(url, { id: names[index] })),
    aliases: { small: ["one/shared", "two/shared"] },
    alias_caps: { small: { max_tokens: 64 } },
  };
  expect(await gateway.control.call({ op: "configure", config })).not.toHaveProperty("error");
  upstreams[0]?.behave({ [chat]: answers(500) });
  const messages = [{ role: "user", content: "x" }];
  await ask({ model: "small", messages, max_tokens: 4_096 });
  for (const upstream of upstreams.slice(0, 2)) {
    const body = JSON.stringify({ model: "shared", messages, max_tokens: 64 });
    expect(upstream.received[0]?.body).toBe(body);
  }
  await ask({ model: "two/shared", messages, max_tokens: 4_096 });
  expect(upstreams[1]?.received[1]?.body).toContain('"max_tokens":4096');
});

describe("equals", () => {
  test("requests without a session go to the least busy and take turns when none is busier", async () => {
    await configure();
    const embed = async () => {
      const body = JSON.stringify({ model: "shared", input: "x" });
      const response = await gateway.ask("/v1/embeddings", { method: "POST", body });
      return [response.headers.get("x-backend-used"), response.headers.get("x-router-reason")];
    };
    const by: unknown[] = [];
    for (let request = 0; request < 6; request += 1) by.push((await embed())[0]);
    expect(new Set(by.slice(0, 3))).toEqual(new Set(names));
    expect(by.slice(3)).toEqual(by.slice(0, 3));
    const { behaviour, letGo } = held();
    for (const upstream of upstreams) upstream.behave({ "/v1/embeddings": behaviour });
    const busy = Array.from({ length: 9 }, embed);
    await Promise.all(upstreams.map((upstream) => upstream.untilReceived(5)));
    letGo();
    expect(await Promise.all(busy)).toHaveLength(9);
    expect(counts()).toEqual([5, 5, 5]);
    expect((await embed())[1]).toBe("model; least busy");
  });

  test("a conversation stays where its beginning is remembered, while others go elsewhere", async () => {
    await configure();
    const homes = new Set<string | null>();
    for (let session = 0; session < 12; session += 1) {
      const messages: object[] = [
        { role: "system", content: "You help." },
        { role: "user", content: `Question ${session}` },
      ];
      const by = new Set<string | null>();
      for (let turn = 0; turn < 3; turn += 1) {
        const answer = await ask({ model: "shared", messages });
        expect(answer.because).toBe("model; session");
        by.add(answer.by);
        messages.push({ role: "assistant", content: "So." }, { role: "user", content: "And?" });
      }
      expect(by.size).toBe(1);
      for (const home of by) homes.add(home);
    }
    expect(homes.size).toBeGreaterThan(1);
  });

  test.each([
    ["x-claude-code-session-id", {}],
    ["session-id", {}],
    ["x-session-affinity", {}],
    [undefined, { prompt_cache_key: "mine" }],
  ])(
    "a session that its client names (%s) counts before what is said in it",
    async (name, more) => {
      await configure();
      const by = new Set<string | null>();
      for (let turn = 0; turn < 8; turn += 1) {
        const messages = [{ role: "user", content: `Unlike ${turn}` }];
        const headers = name === undefined ? {} : { [name]: "mine" };
        by.add((await ask({ model: "shared", messages, ...more }, headers)).by);
      }
      expect(by.size).toBe(1);
    },
  );

  test("a conversation that cannot be read has no session, and is the upstream's to judge", async () => {
    await configure();
    for (const { behave } of upstreams) behave({ [chat]: answers(400) });
    const padding = "x".repeat(20_000);
    const body = `{"model":"shared","padding":"${padding}","messages":[nothing 1]}`;
    const response = await gateway.chat({}, { body });
    expect([response.status, response.headers.get("x-router-reason")]).toEqual([
      400,
      "model; least busy",
    ]);
  });

  test("a session leaves a home that has too much to do, and returns", async () => {
    await configure();
    const { behaviour, letGo } = held();
    const say = () => ask({ model: "shared" }, { "session-id": "mine" });
    const home = (await say()).by;
    for (const upstream of upstreams) upstream.behave({ [chat]: behaviour });
    const crowd = Array.from({ length: 6 }, say);
    await expect.poll(() => counts().reduce((all, count) => all + count, 0)).toBe(7);
    const most = Math.max(...upstreams.map(({ load }) => load.now));
    expect(most).toBeLessThanOrEqual(3);
    letGo();
    const spread = await Promise.all(crowd);
    expect(spread.filter(({ by }) => by === home).length).toBeGreaterThanOrEqual(2);
    expect((await say()).by).toBe(home);
  });
});
