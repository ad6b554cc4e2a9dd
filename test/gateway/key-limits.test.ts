import OpenAI from "openai";
import { afterAll, assert, beforeAll, describe, expect, test } from "vitest";
import type { KeyLimits, KeyRecord, ListedKey } from "../../src/gateway/protocol.ts";
import {
  errorOf,
  launchGateway,
  mustSucceed,
  upstreamAt,
  type TestGateway,
} from "../support/gateway.ts";
import { startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url)]);
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

describe("a key with limits", () => {
  test("is refused past its requests, before the upstream hears of it, and told how long to wait", async () => {
    const asked = await asKey("two", { requests_per_minute: 2 });
    const before = upstream.received.length;
    const answers = [await asked(), await asked(), await asked()];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers.map((one) => one.headers.get("x-ratelimit-remaining-requests"))).toEqual([
      "1",
      "0",
      "0",
    ]);
    expect(upstream.received).toHaveLength(before + 2);
    const [, , refused] = answers;
    const ms = Number(refused?.headers.get("retry-after-ms"));
    expect(ms).toBeGreaterThan(25_000);
    expect(ms).toBeLessThanOrEqual(30_000);
    expect(refused?.headers.get("retry-after")).toBe("30");
    expect(refused && (await errorOf(refused))).toMatchObject({
      code: "rate_limit_exceeded",
      fault: "policy",
      message: 'The key "two" has used up its limit of 2 requests a minute.',
    });
    expect(await metrics()).toMatch(
      /nexus_requests_total\{.*status="429",error="rate_limit_exceeded".*\} 1/,
    );
  });

  test.each(["tokens_per_minute", "tokens_per_day"] as const)(
    "is refused once answers have used up its %s",
    async (limit) => {
      const asked = await asKey(limit, { [limit]: 3 });
      const answers = [await asked(), await asked(), await asked()];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
      expect(answers[1]?.headers.get("x-ratelimit-limit-tokens")).toBe("3");
      expect(answers[1]?.headers.get("x-ratelimit-remaining-tokens")).toBe("1");
    },
  );

  test("takes other limits into force at once, and keeps its own while others are spent", async () => {
    const asked = await asKey("edited", { requests_per_minute: 1 });
    expect([(await asked()).status, (await asked()).status]).toEqual([200, 429]);
    const neighbour = await asKey("neighbour", { requests_per_minute: 1 });
    expect((await neighbour()).status).toBe(200);

    const listed = await gateway.control.call({ op: "keys.list" });
    const found = (listed.ok as ListedKey[]).filter(({ name }) => name === "edited");
    const [edited] = found.map(({ last_used_at: _last, ...record }): KeyRecord => record);
    assert(edited);
    const key = { ...edited, limits: { requests_per_minute: 3 } };
    await mustSucceed(gateway.control.call({ op: "keys.replace", key }));
    expect([(await asked()).status, (await asked()).status]).toEqual([200, 200]);
    expect((await asked()).status).toBe(429);
  });

  test("gets OpenAI's own error class, and its client waits as it is told", async () => {
    const key = await gateway.addKey({ name: "sdk", limits: { requests_per_minute: 1 } });
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
    const ask = () =>
      client.chat.completions.create({ model: "echo", messages: [{ role: "user", content: "a" }] });
    await ask();
    await expect(ask()).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });

  test("gets no limits told that it does not have", async () => {
    const response = await gateway.chat({});
    const names = [...response.headers.keys()];
    expect(names.filter((name) => name.startsWith("x-ratelimit"))).toEqual([]);
  });

  test.each([0, -1, 1.5, "many"])("does not come into force with a limit of %s", async (limit) => {
    const asked = gateway.addKey({ name: "odd", limits: { requests_per_minute: limit as number } });
    await expect(asked).rejects.toThrow("invalid_request");
  });
});

/** Asks for a chat as a new key with these limits, reading the answer to its end. */
async function asKey(name: string, limits: KeyLimits) {
  const key = await gateway.addKey({ name, limits });
  return async () => {
    const response = await gateway.chat({}, { headers: { authorization: `Bearer ${key}` } });
    const copy = response.clone();
    await copy.text();
    await untilCharged();
    return response;
  };
}

/** A request is booked when its connection has been written out, a moment after its client has read it. */
async function untilCharged(): Promise<void> {
  await expect.poll(metrics).toContain("nexus_in_flight_all 0");
}

async function metrics(): Promise<string> {
  return (await gateway.observe("/metrics")).text();
}
