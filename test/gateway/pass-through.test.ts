import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createConnection, type AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTarget } from "../../src/gateway/native/target.ts";
import { errorOf, launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { deadUrl } from "../support/upstream.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

let server: Server;
let gateway: TestGateway;
let admin: Record<string, string>;
let answer: Answer = (_, response) => response.end();
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.on("error", () => {});
    if (request.url === "/readyz") return void response.end("{}");
    answer(request, response);
  });
  url = await listen(server);
  gateway = await launchGateway();
  const idle = { id: "gone", url: await deadUrl() };
  await gateway.configure([upstreamAt(url, { max_concurrency: 1 }), upstreamAt(url, idle)]);
  admin = {
    authorization: `Bearer ${await gateway.addKey({ name: "boss", scopes: ["admin"] })}`,
  };
});

afterAll(async () => {
  await gateway.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const ask = (path: string, init: RequestInit = {}) =>
  gateway.ask(path, { redirect: "manual", ...init, headers: admin } as object);

describe("what is asked of a service's own interface", () => {
  test("arrives as it was sent: method, path, query and body", async () => {
    answer = async (request, response) => {
      response.setHeader("content-type", "text/plain");
      response.end(`${request.method} ${request.url} ${await textOf(request)}`);
    };
    const paths = [
      "/",
      "/api/tags",
      "/a%2Fb/c%20d?x=%2e%2e/..&y",
      "//double//",
      "/a;b=c/...",
      "/%E2%9C%93",
    ];
    for (const path of paths) {
      const response = await ask(`/services/one${path}`, { method: "PATCH", body: "{}" });
      expect(await response.text()).toBe(`PATCH ${path} {}`);
      expect(response.headers.get("x-backend-used")).toBe("one");
    }
    expect(await (await ask("/services/one")).text()).toBe("GET / ");
    expect(await (await ask("/services/one?a=b")).text()).toBe("GET /?a=b ");
  });

  test("arrives without the client's credentials, and with an id", async () => {
    let headers: IncomingMessage["headers"] = {};
    answer = (request, response) => {
      ({ headers } = request);
      response.end();
    };
    await gateway.ask("/services/one/x", { headers: { ...admin, cookie: "a=b", "x-own": "kept" } });
    expect(headers).toMatchObject({ "x-own": "kept", "x-request-id": expect.any(String) });
    expect(headers).not.toHaveProperty("authorization");
    expect(headers).not.toHaveProperty("cookie");
    const key = String(admin["authorization"]).replace("Bearer ", "");
    const protocols = { "sec-websocket-protocol": `chat, openai-insecure-api-key.${key}` };
    expect(
      (await gateway.ask("/services/one/x", { headers: { ...admin, ...protocols } })).status,
    ).toBe(200);
    expect(JSON.stringify(headers)).not.toContain(key);
  });

  test("is refused without the scope, without a key, for a service that is not there and for a limited key", async () => {
    const failure = async (response: Response) => [
      response.status,
      (await errorOf(response))["code"],
    ];
    expect(await failure(await gateway.ask("/services/one/x"))).toEqual([
      403,
      "insufficient_scope",
    ]);
    expect((await fetch(`${gateway.url}/services/one/x`)).status).toBe(401);
    expect((await fetch(`${gateway.url}/services/nobody/x`)).status).toBe(401);
    expect(await failure(await ask("/services/on/x"))).toEqual([404, "service_not_found"]);
    expect(await failure(await ask("/services/gone/x"))).toEqual([503, "upstream_unavailable"]);
    const scopes = ["admin"] as const;
    const limited = await gateway.addKey({ name: "limited", scopes, models: ["one/echo"] });
    const response = await gateway.ask("/services/one/x", {
      headers: { authorization: `Bearer ${limited}` },
    });
    expect(await failure(response)).toEqual([403, "insufficient_scope"]);
  });

  test("never climbs", async () => {
    const spellings = [
      "..",
      ".",
      "%2e%2E",
      ".%2e",
      "a%2f..",
      "%252e%252e",
      "a%5c..",
      "..\\a",
      "..;x",
    ];
    for (const segment of spellings) {
      expect(readTarget(`/services/one/a/${segment}/b`)).toBeUndefined();
      expect(readTarget(`/services/one/${segment}`)).toBeUndefined();
    }
    const raw = await exchangeRaw("GET /services/one/a/../../v1/models HTTP/1.1\r\n");
    expect(raw).toMatch(/^HTTP\/1.1 400[^]*invalid_path/);
  });

  test("keeps every byte of a path that does not climb, whatever it is", () => {
    const segment = fc.string({ unit: fc.constantFrom(..."abz09-_~!$&'()*+,=:@%".split("")) });
    fc.assert(
      fc.property(fc.array(segment), fc.string(), (segments, query) => {
        const path = `/${segments.join("/")}`;
        const rest = query === "" ? path : `${path}?${query}`;
        expect(readTarget(`/services/one${rest}`)).toEqual({ service: "one", path: rest });
      }),
    );
  });
});

describe("bodies", () => {
  test("stream both ways at once, and are not held", async () => {
    answer = (request, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      request.pipe(response);
    };
    const echoed = Promise.withResolvers<void>();
    const sent = { first: true };
    const body = new ReadableStream({
      async pull(controller) {
        if (!sent.first) {
          // The second line is not sent before the first has come back.
          await echoed.promise;
          controller.enqueue(Buffer.from('{"n":2}\n'));
          return controller.close();
        }
        sent.first = false;
        controller.enqueue(Buffer.from('{"n":1}\n'));
      },
    });
    const { hostname, port } = new URL(gateway.url);
    const socket = createConnection({ host: hostname, port: Number(port) });
    const lines: string[] = [];
    socket.write(
      `POST /services/one/echo HTTP/1.1\r\nhost: g\r\nauthorization: ${admin["authorization"]}\r\n` +
        "transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
    );
    socket.on("data", (data) => {
      lines.push(data.toString());
      if (lines.join("").includes('{"n":1}')) echoed.resolve();
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    for await (const chunk of body) {
      const piece = Buffer.from(chunk as Uint8Array);
      socket.write(`${piece.length.toString(16)}\r\n${piece.toString()}\r\n`);
    }
    socket.write("0\r\n\r\n");
    await closed;
    expect(lines.join("")).toContain('{"n":2}');
  });

  test("of any size pass with the length that was announced", async () => {
    let announced: string | undefined;
    answer = async (request, response) => {
      announced = request.headers["content-length"];
      let bytes = 0;
      for await (const chunk of request) bytes += (chunk as Buffer).length;
      response.end(String(bytes));
    };
    const body = Buffer.alloc(50 * 1024 * 1024);
    const response = await ask("/services/one/api/blobs/sha256:0", { method: "POST", body });
    expect([await response.text(), announced]).toEqual([String(body.length), String(body.length)]);
  });

  test("that an upstream refuses before it has read them leave the client its answer", async () => {
    answer = (_, response) => {
      response.writeHead(409, { "content-type": "text/plain" });
      response.end("enough");
    };
    const body = Buffer.alloc(20 * 1024 * 1024);
    const response = await ask("/services/one/x", { method: "POST", body });
    expect([response.status, await response.text()]).toEqual([409, "enough"]);
  });

  test("of JSON are passed on while they are made, errors of any shape as they are", async () => {
    const rest = Promise.withResolvers<void>();
    answer = async (_, response) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.write('{"detail":');
      await rest.promise;
      response.end('"mine"}');
    };
    const response = await ask("/services/one/x");
    expect(response.status).toBe(500);
    rest.resolve();
    expect(await response.json()).toEqual({ detail: "mine" });
  });

  test("that break off are no whole answers", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.write("{}\n", () => response.destroy());
    };
    await expect((await ask("/services/one/x")).text()).rejects.toThrow(/terminated/);
  });
});

describe("redirects", () => {
  test.each([
    ["/login?next=%2F", "/services/one/login?next=%2F"],
    ["next", "/services/one/a/next"],
    ["SELF/ui/", "/services/one/ui/"],
  ])("to the same service (%s) are told as the client can reach them", async (location, told) => {
    answer = (_, response) =>
      response.writeHead(302, { location: location.replace("SELF", url) }).end();
    const response = await ask("/services/one/a/b");
    expect([response.status, response.headers.get("location")]).toEqual([302, told]);
  });

  test.each(["http://internal:9/x", "//internal/x", "file:///etc/passwd"])(
    "elsewhere (%s) are neither followed nor told",
    async (location) => {
      answer = (_, response) => response.writeHead(307, { location }).end();
      const response = await ask("/services/one/a");
      const text = await response.text();
      expect(response.status).toBe(502);
      expect(text).toContain("redirect");
      expect(text + JSON.stringify([...response.headers])).not.toMatch(/internal|passwd/);
    },
  );

  test("a location that comes with another status is told only where it can be reached", async () => {
    answer = (request, response) =>
      response
        .writeHead(201, { location: request.url === "/a" ? "/jobs/1" : "http://in:1/" })
        .end();
    expect((await ask("/services/one/a")).headers.get("location")).toBe("/services/one/jobs/1");
    expect((await ask("/services/one/b")).headers.has("location")).toBe(false);
  });
});

describe("a request to a service's own interface", () => {
  test("takes a slot, is seen by drain and is cancelled when its client leaves", async () => {
    const arrived = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const order: string[] = [];
    answer = (request, response) => {
      order.push(request.url ?? "");
      if (request.url !== "/held") return response.end();
      response.once("close", () => gone.resolve());
      return arrived.resolve();
    };
    const leaving = new AbortController();
    const held = ask("/services/one/held", { method: "POST", signal: leaving.signal });
    await arrived.promise;
    const waiting = ask("/services/one/waiting", { method: "POST" });
    expect((await ask("/services/one/look")).status).toBe(200);
    let counted: unknown;
    const drained = gateway.control.call(
      { op: "drain", url },
      (progress) => (counted ??= progress),
    );
    leaving.abort();
    await expect(held).rejects.toThrow(/aborted/);
    await gone.promise;
    expect((await waiting).status).toBe(200);
    expect(await drained).toMatchObject({ ok: { in_flight: 0 } });
    expect(counted).toEqual({ in_flight: 2 });
    expect(order).toEqual(["/held", "/look", "/waiting"]);
  });

  test("is one endpoint in the metrics, whatever its path", async () => {
    answer = (_, response) => response.end();
    await ask("/services/one/some/path/of/its/own");
    const metrics = await (await gateway.observe("/metrics")).text();
    expect(metrics).toContain('endpoint="/services/{id}"');
    expect(metrics).not.toContain("some/path");
  });
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

async function listen(made: Server): Promise<string> {
  await new Promise<void>((resolve) => void made.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

function exchangeRaw(requestLine: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port) });
    let text = "";
    socket.on("data", (data) => (text += data.toString()));
    socket.once("close", () => resolve(text));
    socket.write(
      `${requestLine}host: g\r\nauthorization: ${admin["authorization"]}\r\nconnection: close\r\n\r\n`,
    );
  });
}
