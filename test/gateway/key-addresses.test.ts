import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificateDigest } from "../../src/gateway/config.ts";
import { getOverTls, makeCertificate } from "../support/certificates.ts";
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
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const configure = (clients?: "here" | "seen") =>
  gateway.configure([upstreamAt(upstream.url)], {}, clients && { clients });

const chat = { model: "echo", messages: [{ role: "user", content: "hello" }] };

/** Asks for a chat from an address of this machine's loopback; what headers claim is nobody's concern. */
function askFrom(localAddress: string, key: string, path = "/v1/chat/completions") {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const claims = {
    "x-forwarded-for": "127.0.0.1",
    "x-real-ip": "127.0.0.1",
    forwarded: "for=127.0.0.1",
  };
  const headers = { authorization: `Bearer ${key}`, ...claims };
  const asked = request(gateway.url + path, { method: "POST", localAddress, headers }, (answer) => {
    let body = "";
    answer.setEncoding("utf8").on("data", (text: string) => (body += text));
    answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body }));
  });
  asked.once("error", reject).end(JSON.stringify(chat));
  return promise;
}

describe("a key with a list of addresses", () => {
  test("works from there and from nowhere else, whatever headers say", async () => {
    await configure("seen");
    const key = await gateway.addKey({ name: "desk", allowed_ips: ["192.0.2.0/24", "127.0.0.2"] });
    expect((await askFrom("127.0.0.2", key)).status).toBe(200);
    const before = upstream.received.length;
    const refused = await askFrom("127.0.0.3", key);
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({
      error: { type: "permission_error", code: "address_not_allowed" },
    });
    expect(refused.body).not.toMatch(/192\.0\.2|127\.0\.0/);
    expect(upstream.received).toHaveLength(before);
  });

  test("is refused at every path, those of its scope or not", async () => {
    await configure("seen");
    const key = await gateway.addKey({ name: "shelf", allowed_ips: ["127.0.0.2"] });
    const paths = ["/v1/embeddings", "/services/one/api", "/v1/responses/resp_1", "/nothing"];
    const answers = await Promise.all(paths.map((path) => askFrom("127.0.0.3", key, path)));
    expect(answers.map(({ body }) => JSON.parse(body).error.code)).toEqual(
      paths.map(() => "address_not_allowed"),
    );
    const series = 'nexus_auth_failures_total{reason="address"}';
    expect(await gateway.metric(series)).toBeGreaterThanOrEqual(paths.length);
  });

  test("works from this machine where nobody else can reach the gateway", async () => {
    await configure("here");
    const own = await gateway.addKey({ name: "own", allowed_ips: ["127.0.0.1"] });
    const other = await gateway.addKey({ name: "other", allowed_ips: ["192.0.2.7"] });
    expect((await askFrom("127.0.0.1", own)).status).toBe(200);
    expect((await askFrom("127.0.0.1", other)).status).toBe(403);
  });

  test("is refused where the gateway cannot see where requests come from, and that is said", async () => {
    await configure();
    const key = await gateway.addKey({ name: "blind", allowed_ips: ["0.0.0.0/0", "::/0"] });
    const refused = await askFrom("127.0.0.1", key);
    expect([refused.status, JSON.parse(refused.body).error.code]).toEqual([403, "address_unknown"]);
    expect((await gateway.chat({})).status).toBe(200);
    const status = await gateway.control.call({ op: "status" });
    expect(status.ok).toMatchObject({ keys_from_addresses: expect.any(Number) });
    expect(status.ok).not.toHaveProperty("clients");
  });

  test("is known by its address through TLS, too", async () => {
    const secure = await launchGateway({}, { withKey: false });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => secure.close());
    const pair = makeCertificate();
    const tls = { certificate: certificateDigest(pair.certificate) };
    const named = { version: 1 as const, stack: "test", aliases: {}, clients: "seen" as const };
    const config = { ...named, upstreams: [], tls };
    await mustSucceed(secure.control.call({ op: "configure", config, tls: pair }));
    const [own, other] = await Promise.all([
      secure.addKey({ name: "own", allowed_ips: ["127.0.0.1"] }),
      secure.addKey({ name: "other", allowed_ips: ["127.0.0.2"] }),
    ]);
    const url = `${secure.url}/v1/models`;
    expect(await getOverTls(url, { key: own, trusted: pair })).toMatch(/^200 /);
    expect(await getOverTls(url, { key: other, trusted: pair })).toMatch(/^403 /);
  });

  test("that lists nothing, or what is no address, does not come into force", async () => {
    for (const allowed_ips of [[], ["10.0.0.0/33"], ["everywhere"]]) {
      await expect(gateway.addKey({ name: "odd", allowed_ips })).rejects.toThrow("invalid_request");
    }
  });

  test("is limited by its list after a restart, too", async () => {
    const key = await gateway.addKey({ name: "kept", allowed_ips: ["192.0.2.7"] });
    await using stack = new AsyncDisposableStack();
    const reopened = await launchGateway({}, { data: gateway.data, withKey: false });
    stack.defer(() => reopened.close());
    await reopened.configure([upstreamAt(upstream.url)], {}, { clients: "seen" });
    const headers = { authorization: `Bearer ${key}` };
    const answer = await fetch(`${reopened.url}/v1/models`, { headers });
    expect([answer.status, (await errorOf(answer))["code"]]).toEqual([403, "address_not_allowed"]);
  });
});
