import { once } from "node:events";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { request } from "node:https";
import { type AddressInfo, createConnection } from "node:net";
import { join } from "node:path";
import { connect, type ConnectionOptions, type SecureVersion } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { certificateDigest, type Upstream } from "../../src/gateway/config.ts";
import { getOverTls, makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { launchGateway, mustSucceed, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { answersIn, sendRaw } from "../support/raw-client.ts";
import { beginEvents, startUpstream, type TestUpstream } from "../support/upstream.ts";

let upstream: TestUpstream;
let gateway: TestGateway;
const first = makeCertificate();
const second = makeCertificate();

beforeEach(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway();
});

afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

/** Orders a configuration that wants a certificate, with what is sent for it. */
function order(
  wanted: TestCertificate | undefined,
  sent?: TestCertificate,
  to = upstreamAt(upstream.url),
) {
  const config = configWith(wanted, to);
  return gateway.control.call({ op: "configure", config, ...(sent && { tls: sent }) });
}

function configWith(wanted: TestCertificate | undefined, to = upstreamAt(upstream.url)) {
  return {
    version: 1 as const,
    stack: "test",
    upstreams: [to],
    aliases: {},
    ...(wanted && { tls: { certificate: certificateDigest(wanted.certificate) } }),
  };
}

const secure = (wanted: TestCertificate, to?: Upstream) => mustSucceed(order(wanted, wanted, to));

const port = (of = gateway) => Number(new URL(of.url).port);

/** Asks over HTTPS, trusting exactly one certificate. */
const ask = (trusted: TestCertificate, of = gateway) =>
  getOverTls(`${of.url}/v1/models`, { key: of.key || gateway.key, trusted });

describe("a gateway with a certificate", () => {
  test("speaks TLS at its API port, and plain HTTP no more", async () => {
    await mustSucceed(order(undefined));
    expect((await gateway.ask("/v1/models")).status).toBe(200);
    await secure(first);
    expect(await ask(first)).toMatch(/^200 .*"echo"/);
    const [answer] = answersIn(
      await sendRaw(gateway.url, "GET /health HTTP/1.1\r\nhost: g\r\n\r\n"),
    );
    expect([answer?.status, JSON.parse(answer?.body ?? "").error.code]).toEqual([
      400,
      "https_required",
    ]);
    await expect(ask(second)).rejects.toThrow(/self-signed|certificate/);
    await mustSucceed(order(undefined));
    expect((await gateway.ask("/v1/models")).status).toBe(200);
    expect(await readdir(gateway.data)).not.toContainEqual(expect.stringMatching(/^certificate/));
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("speaks %s", async (version) => {
    await secure(first);
    expect(await negotiate(version)).toBe(version);
  });

  test("speaks nothing older than TLS 1.2", async () => {
    await secure(first);
    await expect(negotiate("TLSv1.1")).rejects.toThrow(/alert|version|protocol/i);
  });

  test("takes a new one without cutting a stream", async () => {
    await secure(first);
    const hold = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/chat/completions": async (_, response) => {
        beginEvents(response);
        response.write("data: {}\n\n");
        await hold.promise;
        response.end("data: [DONE]\n\n");
      },
    });
    const stream = chat(first);
    await upstream.untilReceived(1);
    await secure(second);
    expect(await ask(second)).toMatch(/^200/);
    hold.resolve();
    expect(await stream).toContain("[DONE]");
  });

  test.each([
    ["a key of another certificate", { ...first, key: second.key }, "does not belong"],
    ["a key that is none", { ...first, key: "nothing" }, "no PEM key"],
    ["another certificate than the one wanted", second, "did not come with its key"],
    ["nothing", undefined, "did not come with its key"],
  ])("keeps the old one when it is sent %s, and says so", async (_, sent, reason) => {
    await secure(second);
    const { error } = await order(first, sent);
    expect(error).toMatchObject({ code: "configuration_rejected" });
    expect(error?.message).toContain(reason);
    expect(error?.message).toContain("The old one stays in force");
    expect(await ask(second)).toMatch(/^200/);
  });

  test("keeps the pair in a file of its own that only it may read, and has it again after a restart", async () => {
    await secure(first);
    await mustSucceed(order(first));
    const names = (await readdir(gateway.data)).filter((name) => name.startsWith("certificate"));
    expect(names).toHaveLength(1);
    expect((await stat(join(gateway.data, names[0] ?? ""))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(gateway.data, "config.json"), "utf8")).not.toContain("BEGIN");
    const again = await launchGateway({}, { data: gateway.data, withKey: false });
    expect(await ask(first, again)).toMatch(/^200/);
    await again.close();
  });

  test("lets nobody in rather than in plain text when the pair is lost, until it is sent again", async () => {
    await secure(first);
    const names = (await readdir(gateway.data)).filter((name) => name.startsWith("certificate"));
    await Promise.all(names.map((name) => rm(join(gateway.data, name))));
    const again = await launchGateway({}, { data: gateway.data, withKey: false });
    expect(await sendRaw(again.url, "GET /health HTTP/1.1\r\nhost: g\r\n\r\n")).toBe("");
    expect(again.logText()).toContain("certificate.rejected");
    expect(await again.control.call({ op: "status" })).not.toHaveProperty("ok.certificate");
    await again.close();
  });

  test("tells its certificate and never its key", async () => {
    await secure(first);
    const told = await (await gateway.observe("/readyz")).text();
    expect(JSON.parse(told)).toMatchObject({ certificate: first.certificate });
    const secret = first.key.split("\n")[1] ?? "";
    expect(told + gateway.logText()).not.toContain(secret);
  });

  test("takes no further request on a plain connection from before", async () => {
    await mustSucceed(order(undefined));
    const get = "GET /health HTTP/1.1\r\nhost: g\r\n\r\n";
    const socket = createConnection({ host: "127.0.0.1", port: port() });
    let received = "";
    socket.on("data", (data) => (received += String(data))).write(get);
    await once(socket, "data");
    await secure(first);
    socket.write(get + get);
    await once(socket, "end");
    const answers = answersIn(received);
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
    expect(JSON.parse(answers[1]?.body ?? "").error.code).toBe("https_required");
  });

  test.each([
    ["before a byte", () => createConnection({ host: "127.0.0.1", port: port() }), "connect"],
    ["as soon as it saw the certificate", () => connectTls({ ca: second.certificate }), "error"],
  ] as const)("keeps nothing of a client that leaves %s", async (_, enter, seen) => {
    await gateway.close();
    gateway = await launchGateway();
    await secure(first);
    const socket = enter();
    await new Promise((resolve) => socket.once(seen, resolve));
    socket.destroy();
    const leftAt = performance.now();
    await gateway.close();
    expect(performance.now() - leftAt).toBeLessThan(4_000);
  });

  test("lets a WebSocket's client that has said its last word hear the answer to it", async () => {
    const server = createServer((_, response) => response.end('{"data":[{"id":"echo"}]}'));
    server.on("upgrade", (_, socket) => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      );
      socket.once("end", () => socket.end("farewell")).resume();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port: at } = server.address() as AddressInfo;
    await secure(first, upstreamAt(`http://127.0.0.1:${at}`, { provides: ["realtime"] }));
    const socket = connectTls({ ca: first.certificate });
    socket.allowHalfOpen = true;
    const key = `authorization: Bearer ${gateway.key}\r\nsec-websocket-key: ${"a".repeat(22)}==\r\nsec-websocket-version: 13`;
    socket.write(
      `GET /v1/realtime HTTP/1.1\r\nhost: g\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n\r\n`,
    );
    let heard = String((await once(socket, "data"))[0]);
    socket.on("data", (data) => (heard += String(data))).end();
    await once(socket, "end");
    server.close();
    expect(heard).toMatch(/^HTTP\/1.1 101 [^]*farewell$/);
  });

  test("hangs up on a client that connects and says nothing", async () => {
    const impatient = await launchGateway({ NEXUS_GATEWAY_CLIENT_HEAD_MS: "300" });
    await mustSucceed(
      impatient.control.call({ op: "configure", config: configWith(first), tls: first }),
    );
    const socket = createConnection({ host: "127.0.0.1", port: port(impatient) });
    await once(socket, "close");
    expect(socket.bytesRead).toBe(0);
    await impatient.close();
  });
});

const connectTls = (options: ConnectionOptions) =>
  connect({ host: "127.0.0.1", port: port(), ...options });

async function negotiate(version: SecureVersion): Promise<string | null> {
  const options = { ca: first.certificate, ciphers: "ALL:@SECLEVEL=0" };
  const socket = connectTls({ ...options, minVersion: version, maxVersion: version });
  try {
    await once(socket, "secureConnect");
    return socket.getProtocol();
  } finally {
    socket.destroy();
  }
}

async function chat(trusted: TestCertificate): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const body = '{"model":"echo","stream":true,"messages":[]}';
  const headers = { authorization: `Bearer ${gateway.key}`, "content-length": body.length };
  const options = { host: "127.0.0.1", port: port(), ca: trusted.certificate, headers };
  const path = "/v1/chat/completions";
  request({ ...options, path, method: "POST", agent: false }, (response) => {
    let text = "";
    response.on("data", (data) => (text += String(data))).once("end", () => resolve(text));
  })
    .on("error", reject)
    .end(body);
  return promise;
}
