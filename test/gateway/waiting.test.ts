import OpenAI from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { launchGateway, upstreamAt, errorOf, type TestGateway } from "../support/gateway.ts";
import {
  beginEvents,
  chatEvents,
  reply,
  startUpstream,
  type Behaviour,
  type TestUpstream,
} from "../support/upstream.ts";

const chat = "/v1/chat/completions";
const comment = ": nexus waiting\n\n";
const events = chatEvents(["one", "two"]).join("");

let upstream: TestUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway();
});

afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

/** Beats come every 60 ms, the first one after 20. */
const configure = (changes: object = {}, upstreams = [upstreamAt(upstream.url)]) =>
  gateway.configure(upstreams, {}, { heartbeat_ms: 60, ...changes });

/** Answers once the test says so. */
function answerLater(answer: Behaviour) {
  const hold = Promise.withResolvers<void>();
  upstream.behave({
    [chat]: async (...call) => {
      await Promise.race([hold.promise, call[2]]);
      await answer(...call);
    },
  });
  return hold.resolve;
}

/** A stream as its client reads it. */
function reading(response: Response) {
  const reader = response.body?.getReader();
  let text = "";
  const more = async () => {
    const { value, done } = (await reader?.read()) ?? { done: true };
    text += Buffer.from(value ?? []).toString();
    return !done;
  };
  const until = async (holds: (text: string) => boolean) => {
    while (!holds(text)) if (!(await more())) throw new Error(`ended with: ${text}`);
  };
  const rest = async () => {
    while (await more());
    return text;
  };
  return { until, rest };
}

const stream: Behaviour = (_, response) => {
  beginEvents(response);
  response.end(events);
};

describe("a stream that waits", () => {
  test("for its upstream begins by itself, gets comments, and then every byte of the answer", async () => {
    await configure();
    const answer = answerLater(stream);
    const response = await gateway.chat({ stream: true });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      "x-backend-used": "one",
      "x-model-used": "echo",
      "x-request-id": expect.stringMatching(/^req_/),
    });
    const read = reading(response);
    await read.until((text) => text === comment.repeat(3));
    answer();
    expect((await read.rest()).replaceAll(comment, "")).toBe(events);
  });

  test("for its turn is kept alive as well", async () => {
    await configure({}, [upstreamAt(upstream.url, { max_concurrency: 1 })]);
    const answer = answerLater(stream);
    const first = gateway.chat({});
    await upstream.untilReceived(1);
    const read = reading(await gateway.chat({ stream: true }));
    await read.until((text) => text.startsWith(comment));
    expect(upstream.received).toHaveLength(1);
    answer();
    await (await first).text();
    expect((await read.rest()).replaceAll(comment, "")).toBe(events);
  });

  test("between two events gets its comment there, and never inside an event of whatever size", async () => {
    await configure();
    const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const big = `data: ${"x".repeat(400_000)}`;
    upstream.behave({
      [chat]: async ({ body }, response, aborted) => {
        if (JSON.parse(body).user === "clock") return aborted;
        beginEvents(response);
        response.write("data: 1\n\ndata: ha");
        await steps[0].promise;
        response.write(`lf\n\n${big}`);
        await steps[1].promise;
        response.end("\n\ndata: [DONE]\n\n");
      },
    });
    const read = reading(await gateway.chat({ stream: true }));
    await read.until((text) => text === `data: 1\n\n${comment}`);
    steps[0].resolve();
    await read.until((text) => text.endsWith("x"));
    const clock = new AbortController();
    const other = await gateway.chat({ stream: true, user: "clock" }, { signal: clock.signal });
    await reading(other).until((text) => text.length > comment.length * 4);
    clock.abort();
    steps[1].resolve();
    const text = await read.rest();
    expect(text.replaceAll(comment, "")).toBe(
      `data: 1\n\ndata: half\n\n${big}\n\ndata: [DONE]\n\n`,
    );
  });

  test("is read by OpenAI's client as if nothing had been said", async () => {
    await configure();
    const answer = answerLater(stream);
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
    const chunks = await client.chat.completions.create({
      model: "echo",
      messages: [],
      stream: true,
    });
    answer();
    let said = "";
    for await (const chunk of chunks) said += chunk.choices[0]?.delta.content ?? "";
    expect(said).toBe("onetwo");
  });

  test("and is opted out of by its request waits in silence, and the upstream hears nothing of it", async () => {
    await configure();
    const answer = answerLater(stream);
    const silent = gateway.chat({ stream: true }, { headers: { "x-nexus-heartbeat": "off" } });
    const kept = reading(await gateway.chat({ stream: true }));
    await kept.until((text) => text.length >= comment.length * 2);
    answer();
    expect(await (await silent).text()).toBe(events);
    for (const { headers } of upstream.received)
      expect(headers).not.toHaveProperty("x-nexus-heartbeat");
    await kept.rest();
  });

  test("gets no comment when the stack says off, nor does an answer that is no stream", async () => {
    await configure();
    const answer = answerLater(({ body }, response) =>
      JSON.parse(body).stream
        ? stream({} as never, response, {} as never)
        : reply(response, 200, "{}"),
    );
    const whole = gateway.chat({});
    const kept = reading(await gateway.chat({ stream: true }));
    await kept.until((text) => text.length >= comment.length * 2);
    await configure({ heartbeat_ms: 0 });
    const silent = gateway.chat({ stream: true });
    await upstream.untilReceived(3);
    await kept.until((text) => text.length >= comment.length * 4);
    answer();
    expect(await (await whole).text()).toBe("{}");
    expect(await (await silent).text()).toBe(events);
    await kept.rest();
  });
});

describe("what goes wrong after a stream has begun by itself", () => {
  const wrongs: readonly (readonly [string, Behaviour, object])[] = [
    ["a lost connection", (_, response) => void response.destroy(), { code: "upstream_error" }],
    [
      "an error in OpenAI's shape",
      (_, response) =>
        reply(
          response,
          400,
          '{"error":{"message":"too long","code":"context_length_exceeded","param":"messages"}}',
        ),
      {
        message: "too long",
        code: "context_length_exceeded",
        param: "messages",
        type: "invalid_request_error",
      },
    ],
    [
      "an error in another shape",
      (_, response) =>
        void response.writeHead(500, { "content-type": "text/html" }).end("<h1>no</h1>"),
      { message: 'The service "one" answered 500.', code: "upstream_error", type: "server_error" },
    ],
    [
      "a redirect",
      (_, response) => void response.writeHead(302, { location: "http://inside/" }).end(),
      { code: "upstream_error" },
    ],
    [
      "a whole answer",
      (_, response) => reply(response, 200, '{"choices":[]}'),
      { code: "upstream_error" },
    ],
    [
      "an answer of bytes",
      (_, response) => void response.writeHead(200, { "content-type": "audio/mpeg" }).end("abc"),
      { code: "upstream_error" },
    ],
  ];

  test.each(wrongs)("%s is its last event", async (_, answer, error) => {
    await configure();
    const go = answerLater(answer);
    const read = reading(await gateway.chat({ stream: true }));
    await read.until((text) => text.startsWith(comment));
    go();
    const text = (await read.rest()).replaceAll(comment, "");
    expect(text).toMatch(/^data: [^\n]+\n\n$/);
    expect(JSON.parse(text.slice(5)).error).toMatchObject({ fault: "upstream", ...error });
    expect(text).not.toContain("inside");
  });

  test("may still be made good by the next candidate, and no header names the first", async () => {
    const second = await startUpstream();
    await configure({}, [upstreamAt(upstream.url), upstreamAt(second.url, { id: "two" })]);
    for (const one of [upstream, second]) one.behave({ [chat]: stream });
    const go = answerLater((_, response) => void response.destroy());
    const response = await gateway.chat({ stream: true });
    expect(response.headers.get("x-backend-used")).toBeNull();
    const read = reading(response);
    await read.until((text) => text.startsWith(comment));
    go();
    expect((await read.rest()).replaceAll(comment, "")).toBe(events);
    await second.stop();
  });
});

describe("the limits of the stack", () => {
  const silent: Behaviour = () => {};

  test("for the first byte: 504", async () => {
    upstream.behave({ [chat]: silent });
    await configure({ timeouts: { first_byte_ms: 50 } });
    const response = await gateway.chat({});
    expect(response.status).toBe(504);
    expect(await errorOf(response)).toMatchObject({ code: "upstream_timeout", fault: "upstream" });
    await upstream.untilAborts(1);
  });

  test("for the first byte of a stream that has begun by itself: an error event", async () => {
    upstream.behave({ [chat]: silent });
    await configure({ timeouts: { first_byte_ms: 100 } });
    const text = await (await gateway.chat({ stream: true })).text();
    expect(text).toMatch(/^: nexus waiting\n\n[^]*"code":"upstream_timeout"[^]*\n\n$/);
    expect(text).not.toContain("[DONE]");
  });

  test("for silence inside an answer: an error event, comments or not", async () => {
    upstream.behave({
      [chat]: (_, response) => {
        beginEvents(response);
        response.write("data: 1\n\n");
      },
    });
    await configure({ timeouts: { idle_ms: 200 } });
    const text = await (await gateway.chat({ stream: true })).text();
    expect(text.startsWith(`data: 1\n\n${comment}`)).toBe(true);
    expect(text).toContain('"code":"upstream_timeout"');
  });

  test("for a request as a whole: 504 while it waits, also for its turn, and an error event in a stream", async () => {
    upstream.behave({
      [chat]: async ({ body }, response, aborted) => {
        if (!JSON.parse(body).stream) return aborted;
        beginEvents(response);
        const timer = setInterval(() => response.write("data: 1\n\n"), 5);
        await aborted;
        clearInterval(timer);
      },
    });
    const one = upstreamAt(upstream.url, { max_concurrency: 1 });
    await configure({ timeouts: { total_ms: 100 } }, [one]);
    const streamed = gateway.chat({ stream: true });
    await upstream.untilReceived(1);
    const queued = await gateway.chat({});
    expect([queued.status, await errorOf(queued)]).toEqual([
      504,
      expect.objectContaining({ code: "upstream_timeout", fault: "policy" }),
    ]);
    const text = await (await streamed).text();
    expect(text).toMatch(/^data: 1\n\n[^]*"code":"upstream_timeout"/);
    expect((await gateway.chat({})).status).toBe(504);
    await upstream.untilAborts(2);
  });

  test("are those of the process where the stack is silent", async () => {
    await gateway.close();
    gateway = await launchGateway({
      NEXUS_GATEWAY_HEADERS_MS: "40",
      NEXUS_GATEWAY_HEARTBEAT_MS: "0",
    });
    upstream.behave({ [chat]: silent });
    await gateway.configure([upstreamAt(upstream.url)]);
    expect((await gateway.chat({ stream: true })).status).toBe(504);
  });
});
