import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createConnection, type AddressInfo, type Socket } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { modelInQuery, queryFor } from "../../src/gateway/realtime/model-query.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { deadUrl } from "../support/upstream.ts";

/** What the upstream does with a request to switch; by default it switches and repeats what it hears. */
type Manner = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

const sockets = new Set<Socket>();
const seen: IncomingMessage[] = [];
let manner: Manner | undefined;
let gateway: TestGateway;
let admin: string;
let url: string;

const peers = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => (offered.has("realtime") ? "realtime" : false),
});
const server = createServer((_, response) => response.end('{"data":[{"id":"echo"}]}'));
server.on("upgrade", (request, socket: Socket, head) => {
  seen.push(request);
  sockets.add(socket);
  socket.on("error", () => {});
  socket.once("close", () => sockets.delete(socket));
  if (manner) return manner(request, socket, head);
  peers.handleUpgrade(request, socket, head, (peer) => {
    peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary }));
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  gateway = await launchGateway({
    NEXUS_GATEWAY_TUNNEL_IDLE_MS: "400",
    NEXUS_GATEWAY_TUNNEL_TOTAL_MS: "1500",
    NEXUS_GATEWAY_TUNNEL_LINGER_MS: "200",
    NEXUS_GATEWAY_HEADERS_MS: "1000",
  });
  admin = await gateway.addKey({ name: "boss", scopes: ["admin"] });
  const speaks = { provides: ["realtime"], max_concurrency: 1 };
  const dead = { ...speaks, id: "dead", url: await deadUrl() };
  await gateway.configure(
    [
      upstreamAt(url, speaks),
      upstreamAt(url, { id: "mute", models: ["silent"] }),
      upstreamAt(url, dead),
    ],
    { fast: ["one/echo"] },
  );
});

beforeEach(() => {
  manner = undefined;
  seen.length = 0;
});

afterAll(async () => {
  await gateway.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

type Opening = Readonly<{ path?: string; key?: string | null; protocols?: string[] }>;

const open = ({ path = "/v1/realtime", key = gateway.key, protocols = [] }: Opening = {}) =>
  new WebSocket(`${gateway.url.replace("http", "ws")}${path}`, protocols, {
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
  });

async function opened(opening: Opening = {}): Promise<WebSocket> {
  const socket = open(opening);
  await once(socket, "open");
  return socket;
}

/** The plain answer to a request to switch that was refused, once its connection is closed. */
async function refusal(opening: Opening): Promise<string> {
  const socket = open(opening);
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  let text = "";
  response.on("data", (data) => (text += String(data)));
  const closed = once(response.socket, "close");
  await once(response, "end");
  await closed;
  return `${response.statusCode} ${text}`;
}

async function repeat(socket: WebSocket, data: string | Buffer): Promise<Buffer> {
  const heard = once(socket, "message");
  socket.send(data);
  const [answer] = (await heard) as [Buffer];
  return answer;
}

/** What is in flight and what waits, once nothing is said to be in flight and no connection to the upstream is open. */
async function whatIsLeft(): Promise<string[]> {
  await gateway.control.call({ op: "drain", url });
  await Promise.all([...sockets].map(untilGone));
  const metrics = await (await gateway.observe("/metrics")).text();
  const counts = /_(?:in_flight_all|queue_depth\{upstream="one"\}) (\d+)\n/g;
  return [...metrics.matchAll(counts)].map(([, count]) => String(count));
}

const nothing = ["0", "0"];

/** Resolves when nobody is at the other end: who only hears nothing more is told once it speaks again. */
async function untilGone(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = new Promise((resolve) => void socket.once("close", resolve));
  const speak = (error?: Error | null) => void (error ?? socket.write("anybody?", speak));
  if (socket.writable) speak();
  await closed;
}

describe("a WebSocket at /v1/realtime", () => {
  test("passes text and binary of every size both ways, byte for byte", async () => {
    const socket = await opened();
    for (const size of [0, 1, 125, 126, 70_000, 2_000_000]) {
      const data = Buffer.alloc(size, size % 251);
      expect((await repeat(socket, data)).equals(data)).toBe(true);
    }
    expect(String(await repeat(socket, "häŀlo"))).toBe("häŀlo");
    socket.close(1000, "done");
    const [code, reason] = (await once(socket, "close")) as [number, Buffer];
    expect([code, String(reason)]).toEqual([1000, "done"]);
    expect(await whatIsLeft()).toEqual(nothing);
    expect(gateway.logText()).toMatch(/"endpoint":"\/v1\/realtime","status":101/);
  });

  test("is told who serves it; the upstream gets the model by its own name, and no key", async () => {
    const socket = open({ path: "/v1/realtime?a=%20b&model=fast&c" });
    const [response] = (await once(socket, "upgrade")) as [IncomingMessage];
    expect(response.headers).toMatchObject({
      "x-backend-used": "one",
      "x-model-used": "echo",
      "x-request-id": expect.any(String),
    });
    socket.terminate();
    expect(seen[0]?.url).toBe("/v1/realtime?a=%20b&model=echo&c");
    expect(seen[0]?.headers).not.toHaveProperty("authorization");
    expect(await whatIsLeft()).toEqual(nothing);
  });

  test.each(["/realtime", "/realtime/", "/v1/realtime/"])("is reached at %s too", async (path) => {
    const socket = await opened({ path });
    expect(String(await repeat(socket, "hello"))).toBe("hello");
    socket.terminate();
    expect(await whatIsLeft()).toEqual(nothing);
  });

  test("takes the key as browsers give it, and keeps it from the upstream", async () => {
    const protocols = ["realtime", `openai-insecure-api-key.${gateway.key}`, "openai-beta.v1"];
    const socket = await opened({ key: null, protocols });
    expect(socket.protocol).toBe("realtime");
    expect(seen[0]?.headers["sec-websocket-protocol"]).toBe("realtime, openai-beta.v1");
    socket.terminate();
    expect(await whatIsLeft()).toEqual(nothing);
    expect(gateway.logText()).not.toContain(gateway.key);
  });

  test.each([
    ["without a key", { key: null }, 401, "invalid_api_key"],
    ["with a wrong key", { key: "nx_wrong" }, 401, "invalid_api_key"],
    [
      "with a wrong key in a subprotocol",
      { key: null, protocols: ["openai-insecure-api-key.x"] },
      401,
      "invalid_api_key",
    ],
    ["at another path", { path: "/v1/chat/completions" }, 404, "unknown_url"],
    ["for an unknown model", { path: "/v1/realtime?model=ecko" }, 404, "model_not_found"],
    [
      "for a model that only chats",
      { path: "/v1/realtime?model=silent" },
      400,
      "unsupported_endpoint_for_model",
    ],
    ["for two models", { path: "/v1/realtime?model=a&model=b" }, 400, "invalid_request_body"],
  ])("%s gets a plain answer and a closed connection", async (_, opening, status, code) => {
    const answer = await refusal(opening);
    expect(answer).toMatch(new RegExp(`^${status} .*"code":"${code}"`));
    expect(seen).toEqual([]);
  });

  test("says so when the upstream will not switch, in the gateway's words", async () => {
    manner = (_, socket) => {
      socket.end(
        "HTTP/1.1 403 No\r\ncontent-length: 15\r\nconnection: close\r\n\r\nnot from there!",
      );
    };
    expect(await refusal({})).toMatch(/^403 .*"fault":"upstream"/);
    manner = (_, socket) => socket.destroy();
    expect(await refusal({})).toMatch(/^502 .*closed the connection before it answered/);
    manner = (_, socket) => void socket.once("end", () => socket.end()).resume();
    expect(await refusal({})).toMatch(/^504 .*"upstream_timeout"/);
    expect(await whatIsLeft()).toEqual(nothing);
  });

  test("asked for without an upgrade is 426; other upgrades are answered as plain requests", async () => {
    const response = await gateway.ask("/v1/realtime");
    expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
    const raw = await rawAnswer(
      "GET /health HTTP/1.1\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n",
    );
    expect(raw).toMatch(/^HTTP\/1.1 200[^]*"ok"/);
  });

  test("holds its slot until it is closed: the next waits, and is let in or leaves", async () => {
    const first = await opened();
    const leaver = open();
    leaver.on("error", () => {});
    const second = open();
    await untilQueued(2);
    leaver.terminate();
    await untilQueued(1);
    expect(seen).toHaveLength(1);
    first.terminate();
    await once(second, "open");
    expect(String(await repeat(second, "in"))).toBe("in");
    second.terminate();
    expect(await whatIsLeft()).toEqual(nothing);
  });
});

describe("a connection that ends", () => {
  const request = () =>
    `GET /v1/realtime HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${gateway.key}\r\n` +
    "connection: upgrade\r\nupgrade: websocket\r\n\r\n";
  const switching = "HTTP/1.1 101 Go\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";

  /** A client of raw bytes, and the upstream's end of its connection. */
  async function rawPair(): Promise<Readonly<{ client: Socket; upstream: Socket }>> {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    manner = (_, socket) => {
      socket.write(`${switching}hello`);
      resolve(socket);
    };
    const client = connect();
    client.write(`${request()}early`);
    const upstream = await promise;
    let heard = "";
    while (!heard.endsWith("hello")) heard += String((await once(client, "data"))[0]);
    const [early] = (await once(upstream.resume(), "data")) as [Buffer];
    expect(String(early)).toBe("early");
    return { client, upstream };
  }

  test.each(["client", "upstream"] as const)(
    "by a half-close of the %s passes the end on with every byte before it, and leaves nothing behind",
    async (side) => {
      const pair = await rawPair();
      const other = pair[side === "client" ? "upstream" : "client"];
      let heard = "";
      other.on("data", (data) => (heard += String(data)));
      const last = "x".repeat(300_000);
      pair[side].end(last);
      await once(other, "end");
      expect(heard).toBe(last);
      expect(await whatIsLeft()).toEqual(nothing);
      await untilGone(pair.client);
    },
  );

  test("by a half-close of the client still lets the upstream have its last word", async () => {
    const { client, upstream } = await rawPair();
    let heard = "";
    client.on("data", (data) => (heard += String(data)));
    const closed = once(client, "close");
    upstream.once("end", () => upstream.end("farewell")).resume();
    client.end();
    await closed;
    expect(heard).toMatch(/farewell$/);
    expect(await whatIsLeft()).toEqual(nothing);
  });

  test.each(["client", "upstream"] as const)(
    "by a reset of the %s closes the other side, and leaves nothing behind",
    async (side) => {
      const pair = await rawPair();
      const other = pair[side === "client" ? "upstream" : "client"];
      other.once("end", () => other.end()).resume();
      const closed = once(other, "close");
      pair[side].resetAndDestroy();
      await closed;
      expect(await whatIsLeft()).toEqual(nothing);
    },
  );

  test.each(["end", "resetAndDestroy"] as const)(
    "by the client (%s) before the upstream has answered hangs up on the upstream",
    async (leave) => {
      const arrived = Promise.withResolvers<Socket>();
      manner = (_, socket) => arrived.resolve(socket.once("end", () => socket.end()));
      const client = connect();
      client.write(request());
      const upstream = (await arrived.promise).resume();
      const closed = once(upstream, "close");
      client[leave]();
      await closed;
      expect(await whatIsLeft()).toEqual(nothing);
    },
  );

  test("or says nothing for too long, or lasts too long, is closed", async () => {
    const idle = await opened();
    const from = performance.now();
    await once(idle, "close");
    expect(performance.now() - from).toBeGreaterThan(300);
    expect(await whatIsLeft()).toEqual(nothing);
    const busy = await opened();
    const talk = () => busy.readyState === WebSocket.OPEN && busy.send("on");
    busy.on("message", () => setTimeout(talk, 50));
    talk();
    await once(busy, "close");
    expect(performance.now() - from).toBeGreaterThan(1_500);
    expect(await whatIsLeft()).toEqual(nothing);
  });

  test("by the gateway's own end is closed with it", async () => {
    const other = await launchGateway({ NEXUS_GATEWAY_GRACE_MS: "50" });
    await other.configure([upstreamAt(url, { provides: ["realtime"] })]);
    const socket = new WebSocket(`${other.url.replace("http", "ws")}/v1/realtime`, {
      headers: { authorization: `Bearer ${other.key}` },
    });
    await once(socket, "open");
    const closed = once(socket, "close");
    await Promise.all([other.close(), closed]);
    expect(await whatIsLeft()).toEqual(nothing);
  });
});

describe("a WebSocket of a service's own interface", () => {
  test("is for admin keys, at any path, and says so when the service is away", async () => {
    const socket = await opened({ path: "/services/mute/ws%2Fa?b=c", key: admin });
    expect(seen[0]?.url).toBe("/ws%2Fa?b=c");
    expect(String(await repeat(socket, "hear"))).toBe("hear");
    socket.terminate();
    expect(await whatIsLeft()).toEqual(nothing);
    expect(await refusal({ path: "/services/mute/ws" })).toMatch(/^403 .*insufficient_scope/);
    expect(await refusal({ path: "/services/no/ws", key: admin })).toMatch(
      /^404 .*service_not_found/,
    );
    expect(await refusal({ path: "/services/dead/ws", key: admin })).toMatch(/^503 .*refused/);
  });
});

describe("the model in a query", () => {
  test("is read as forms spell it, and replaced without touching its neighbours", () => {
    expect(modelInQuery("/v1/realtime?x=1&model=a%2Fb+c")).toBe("a/b c");
    expect(modelInQuery("/v1/realtime?models=a")).toBeUndefined();
    expect(queryFor("/v1/realtime?x=%20&mod%65l=a&&y", "b/c d")).toBe("?x=%20&model=b%2Fc%20d&&y");
    expect(queryFor("/v1/realtime?model=a%2fb", "a/b")).toBe("?model=a%2fb");
    expect(queryFor("/v1/realtime", "a")).toBe("");
  });
});

function connect(): Socket {
  const { hostname, port } = new URL(gateway.url);
  const socket = createConnection({ host: hostname, port: Number(port), allowHalfOpen: true });
  return socket.on("error", () => {});
}

async function rawAnswer(head: string): Promise<string> {
  const socket = connect();
  socket.write(`${head}host: g\r\n\r\n`);
  let text = "";
  socket.on("data", (data) => (text += String(data)));
  await once(socket, "end");
  socket.destroy();
  return text;
}

async function untilQueued(count: number): Promise<void> {
  const depth = `queue_depth{upstream="one"} ${count}`;
  while (!(await (await gateway.observe("/metrics")).text()).includes(depth));
}
