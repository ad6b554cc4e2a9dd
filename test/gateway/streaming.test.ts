import { request } from "node:http";
import { createConnection } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { beginEvents, chatEvents, startUpstream, type TestUpstream } from "../support/upstream.ts";

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

const events = chatEvents(["one", "zwei \u00e4", "\u{1f600}"]);

describe("streams", () => {
  test("an upstream's stream, split at any byte, reaches the client byte for byte", async () => {
    const stream = Buffer.from(events.join("").replaceAll("\n\n", "\r\n\r\n"));
    for (let at = 1; at < stream.length; at += 1) {
      upstream.behave({
        "/v1/chat/completions": (_, response) => {
          beginEvents(response);
          response.write(stream.subarray(0, at), () => {
            setImmediate(() => response.end(stream.subarray(at)));
          });
        },
      });
      const response = await gateway.chat({ stream: true });
      expect(await response.text()).toBe(stream.toString());
    }
  });

  test("each event goes out when it comes in, and not at the end", async () => {
    const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    upstream.behave({
      "/v1/chat/completions": async (_, response) => {
        beginEvents(response);
        for (const step of steps) {
          response.write("data: {}\n\n");
          await step.promise;
        }
        response.end("data: [DONE]\n\n");
      },
    });
    const response = await gateway.chat({ stream: true });
    const reader = response.body?.getReader();
    for (const step of steps) {
      const { value } = (await reader?.read()) ?? {};
      expect(Buffer.from(value ?? []).toString()).toBe("data: {}\n\n");
      step.resolve();
    }
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("data: [DONE]\n\n");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
  });

  test("a stream that breaks inside an event ends with an error event and no [DONE]", async () => {
    upstream.behave({
      "/v1/chat/completions": (_, response) => {
        beginEvents(response);
        response.write(`${events[0]}${events[1]}data: {"choices":[{"de`, () => response.destroy());
      },
    });
    const text = await (await gateway.chat({ stream: true })).text();
    const parts = text.split("\n\n").filter((part) => part !== "");
    expect(parts.slice(0, 2)).toEqual([events[0]?.trim(), events[1]?.trim()]);
    const { error } = JSON.parse(parts[2]?.slice("data: ".length) ?? "");
    expect(error).toMatchObject({ code: "upstream_error", fault: "upstream" });
    expect(parts).toHaveLength(3);
    expect(text).not.toContain("[DONE]");
  });

  test("a broken stream is counted and logged as one", async () => {
    const metrics = await (await gateway.observe("/metrics")).text();
    expect(metrics).toMatch(
      /nexus_upstream_attempts_total\{upstream="one",outcome="broken"\} [1-9]/,
    );
    expect(gateway.logText().includes('"error":"upstream_error"')).toBe(true);
  });

  test("a body that is no event stream and breaks off is cut, so that nobody takes it for whole", async () => {
    upstream.behave({
      "/v1/chat/completions": (_, response) => {
        response.writeHead(200, { "content-type": "audio/mpeg", "content-length": "1000" });
        response.write("half", () => response.destroy());
      },
    });
    const response = await gateway.chat({});
    await expect(response.arrayBuffer()).rejects.toThrow("terminated");
  });

  test("a client that reads slowly slows the upstream down", async () => {
    const written = { bytes: 0 };
    const block = Buffer.alloc(64 * 1024, "x");
    upstream.behave({
      "/v1/chat/completions": async (_, response, aborted) => {
        response.writeHead(200, { "content-type": "application/octet-stream" });
        while (!response.destroyed && written.bytes < 200 * 1024 * 1024) {
          written.bytes += block.length;
          if (!response.write(block)) await Promise.race([drained(response), aborted]);
        }
      },
    });
    const before = upstream.aborts.count;
    const socket = await postRaw({ stream: true });
    socket.pause();
    await settled(() => written.bytes);
    expect(written.bytes).toBeLessThan(40 * 1024 * 1024);
    socket.destroy();
    await upstream.untilAborts(before + 1);
  });
});

describe("a client that leaves", () => {
  const hangs = {
    "before the first byte": () => {},
    "in the middle of a stream": (response: Parameters<typeof beginEvents>[0]) => {
      beginEvents(response);
      response.write("data: {}\n\n");
    },
    "while an answer is held": (response: Parameters<typeof beginEvents>[0]) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"half":');
    },
  };

  for (const [phase, hang] of Object.entries(hangs)) {
    for (const how of ["FIN", "RST"] as const) {
      test(`${phase} (${how}) has its upstream request cancelled within 100 ms`, async () => {
        upstream.behave({ "/v1/chat/completions": (_, response) => hang(response) });
        const before = upstream.aborts.count;
        const arrived = upstream.received.length + 1;
        const socket = await postRaw({ stream: true });
        await upstream.untilReceived(arrived);
        await turn();
        const left = performance.now();
        if (how === "FIN") socket.end();
        else socket.resetAndDestroy();
        await upstream.untilAborts(before + 1);
        expect(upstream.aborts.at - left).toBeLessThan(100);
        await nothingInFlight();
      });
    }
  }

  test("while it queues is forgotten, and its request never reaches the upstream", async () => {
    await gateway.configure([upstreamAt(upstream.url, { max_concurrency: 1 })]);
    const hold = Promise.withResolvers<void>();
    upstream.behave({
      "/v1/chat/completions": async (_, response) => {
        await hold.promise;
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      },
    });
    const arrived = upstream.received.length + 1;
    const first = gateway.chat({});
    await upstream.untilReceived(arrived);
    const second = await postRaw({});
    await metric("nexus_queue_depth", 1);
    second.resetAndDestroy();
    await metric("nexus_queue_depth", 0);
    hold.resolve();
    expect((await first).status).toBe(200);
    await nothingInFlight();
    expect(upstream.received).toHaveLength(arrived);
  });

  test("while it still sends its body costs the upstream nothing", async () => {
    const before = upstream.received.length;
    const sending = request(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}`, "content-length": "1000" },
    });
    sending.on("error", () => {});
    await new Promise((resolve) => void sending.write('{"model":"echo",', resolve));
    sending.destroy();
    await nothingInFlight();
    expect(upstream.received).toHaveLength(before);
  });
});

/** Sends a chat request over a socket of its own and leaves the answer unread. */
function postRaw(body: object) {
  const text = JSON.stringify({ model: "echo", messages: [], ...body });
  const { hostname, port } = new URL(gateway.url);
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  const head = [
    "POST /v1/chat/completions HTTP/1.1",
    "host: gateway",
    `authorization: Bearer ${gateway.key}`,
    `content-length: ${Buffer.byteLength(text)}`,
  ].join("\r\n");
  return new Promise<typeof socket>((resolve) => {
    socket.write(`${head}\r\n\r\n${text}`, () => resolve(socket));
  });
}

function drained(response: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => void response.once("drain", resolve));
}

/** Resolves when a number has stopped growing over many turns of the event loop. */
async function settled(read: () => number): Promise<void> {
  for (let quiet = 0, last = read(); quiet < 500; quiet += 1) {
    await turn();
    if (read() !== last) quiet = 0;
    last = read();
  }
}

/** Resolves when a metric of the upstream has a value. */
async function metric(name: string, value: number): Promise<void> {
  const line = `${name}{upstream="one"} ${value}\n`;
  while (!(await (await gateway.observe("/metrics")).text()).includes(line)) await turn();
}

async function nothingInFlight(): Promise<void> {
  await metric("nexus_in_flight", 0);
}
