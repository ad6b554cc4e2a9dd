import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { reply, startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway();
  upstream.behave({
    "/v1/completions": (_, response) => {
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("access-control-allow-credentials", "true");
      reply(response, 200, "{}");
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const allow = (...cors: readonly string[]) =>
  gateway.configure([upstreamAt(upstream.url)], {}, cors.length > 0 ? { cors: [...cors] } : {});

const page = "https://chat.example";

/** The CORS headers of an answer, and its status. */
async function asPage(origin: string, method = "POST", headers: Record<string, string> = {}) {
  const body = method === "POST" ? '{"model":"echo","prompt":"x"}' : null;
  const options = { method, body, headers: { ...headers, origin } };
  const response = await gateway.ask("/v1/completions", options);
  const told = [...response.headers].filter(([name]) => name.startsWith("access-control-"));
  return {
    status: response.status,
    vary: response.headers.get("vary"),
    ...Object.fromEntries(told),
  };
}

const preflight = {
  "access-control-request-method": "POST",
  "access-control-request-headers": "authorization,x-a",
};

describe("a web page", () => {
  test("may read nothing unless the stack names its origin, whatever an upstream says", async () => {
    await allow();
    expect(await asPage(page)).toEqual({ status: 200, vary: null });
    expect(await asPage(page, "OPTIONS", preflight)).toEqual({ status: 405, vary: null });
    await allow("https://other.example", "http://chat.example", "https://chat.example:444");
    expect(await asPage(page)).toEqual({ status: 200, vary: "origin" });
    expect(await asPage(page, "OPTIONS", preflight)).toEqual({ status: 405, vary: "origin" });
  });

  test("of a named origin may ask and read, and is told so without a key", async () => {
    await allow("https://other.example", page);
    expect(await asPage(page)).toEqual({
      status: 200,
      vary: "origin",
      "access-control-allow-origin": page,
      "access-control-expose-headers": expect.stringMatching(
        /x-request-id.*x-ratelimit-remaining-tokens/,
      ),
    });
    const asked = { ...preflight, authorization: "" };
    expect(await asPage(page, "OPTIONS", asked)).toMatchObject({
      status: 204,
      "access-control-allow-origin": page,
      "access-control-allow-methods": expect.stringContaining("POST"),
      "access-control-allow-headers": "authorization,x-a",
      "access-control-max-age": "600",
    });
  });

  test("of a named origin can read why it was refused", async () => {
    await allow(page);
    const refused = await asPage(page, "POST", { authorization: "Bearer nx_wrong" });
    expect(refused).toMatchObject({ status: 401, "access-control-allow-origin": page });
  });

  test("of any origin may ask where the stack says so, still with a key", async () => {
    await allow("*");
    expect(await asPage(page)).toMatchObject({ "access-control-allow-origin": page });
    expect(await asPage(page, "POST", { authorization: "" })).toMatchObject({ status: 401 });
  });
});
