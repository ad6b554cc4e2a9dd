import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { GatewayConfig } from "../../src/gateway/config.ts";
import { everyAsking, everyCapability, type Asking } from "../support/every-endpoint.ts";
import {
  empty,
  faults,
  good,
  goodAnswer,
  head,
  type Fault,
  type Sight,
} from "../support/faults.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startRawUpstream } from "../support/upstream.ts";

let fault: Fault["answer"] | undefined;
let upstream: Awaited<ReturnType<typeof startRawUpstream>>;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    socket.on("data", (data) => answer(socket, data.toString()));
  });
  gateway = await launchGateway();
  await configure({});
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

afterEach(() => {
  fault = undefined;
});

const unauthorized = '{"error":{"message":"no","type":"x","code":"early"}}';

function configure(timeouts: GatewayConfig["timeouts"]): Promise<void> {
  const one = upstreamAt(upstream.url, { provides: everyCapability, models: ["echo"] });
  return gateway.configure([one], {}, { timeouts });
}

/** Ready at once, and then good or bad by the fault in force; the request says which kind of answer it wants. */
function answer(socket: Socket, request: string): void {
  if (request.startsWith("GET")) return void socket.write(empty("200 OK"));
  const expects = /x-expects: (\w+)/.exec(request)?.[1] as Asking["expects"] | undefined;
  if (!expects) return;
  if (fault) fault(socket, expects);
  else socket.write(goodAnswer(expects));
}

type Seen = Awaited<ReturnType<typeof ask>>;

async function ask({ path, headers, body, expects }: Asking) {
  const init = { method: "POST", headers: { ...headers, "x-expects": expects }, body };
  const response = await gateway.ask(path, init);
  const text = await response.text().catch(() => undefined);
  return { status: response.status, headers: response.headers, text };
}

/** Asks every endpoint in every way at once. */
function seeEverywhere(): Promise<(readonly [string, Sight])[]> {
  return Promise.all(
    everyAsking.map(async (one) => [one.name, seeing(one, await ask(one))] as const),
  );
}

/** The code of a failure in the shape of the client's API. */
function codeIn(text: string): string {
  const { error } = JSON.parse(text);
  expect(error).toMatchObject({ message: expect.any(String), type: expect.any(String) });
  return error.code ?? error.details.error_code;
}

/** The sight of an answer, and what must be in none. */
function seeing({ expects }: Asking, { status, headers, text }: Seen): Sight {
  expect(`${text}${JSON.stringify([...headers])}`).not.toMatch(/127\.0\.0\.1|internal|secret|<h1>/);
  if (status === 200 && text === good[expects]) return "good";
  expect(String(text)).not.toMatch(/\[DONE\]|"stop"|end_turn/);
  if (text === undefined) return "cut";
  if (status === 204 && text === "") return "empty";
  return status === 200 ? lastEvent(text) : [status, codeIn(text)];
}

function lastEvent(text: string): Sight {
  const events = text.split("\n\n");
  expect(events.at(-1)).toBe("");
  expect(codeIn(events.at(-2)?.replace(/^(event: error\n)?data: /, "") ?? "")).toMatch(
    /^upstream_(error|timeout)$/,
  );
  return "error event";
}

const everyGood = everyAsking.map(({ name }) => [name, "good"]);

describe("an upstream that", () => {
  test.each(faults)(
    "$name is told honestly at every endpoint, and the next request is served",
    async ({ answer: go, sight, isSilent }) => {
      await configure(isSilent ? { first_byte_ms: 300, idle_ms: 300 } : {});
      fault = go;
      const isSame = typeof sight === "string" || "length" in sight;
      expect(await seeEverywhere()).toEqual(
        everyAsking.map(({ name, expects }) => [name, isSame ? sight : sight[expects]]),
      );
      await configure({});
      fault = undefined;
      expect(await seeEverywhere()).toEqual(everyGood);
    },
  );

  test("answers before the upload has ended is heard, whether it goes on reading or not", async () => {
    const [asking] = everyAsking;
    if (!asking) throw new Error("there are no endpoints");
    const body = JSON.stringify({ model: "echo", pad: "x".repeat(2 * 1024 * 1024) });
    const early = (socket: Socket, ...lines: readonly string[]) => {
      const length = `content-length: ${unauthorized.length}`;
      const all = ["HTTP/1.1 401 No", "content-type: application/json", length, ...lines];
      return socket.write(`${all.join("\r\n")}\r\n\r\n${unauthorized}`);
    };
    const ways: readonly Fault["answer"][] = [
      (socket) => early(socket),
      (socket) => early(socket.pause(), "connection: close"),
      (socket) => early(socket) && socket.end(),
    ];
    for (const way of ways) {
      fault = way;
      const seen = await ask({ ...asking, body });
      expect([seen.status, codeIn(seen.text ?? "")]).toEqual([401, "early"]);
      fault = undefined;
      expect([ways.indexOf(way), seeing(asking, await ask(asking))]).toEqual([
        ways.indexOf(way),
        "good",
      ]);
    }
  });

  test("sends 100 MB has every byte of it passed on", async () => {
    const block = Buffer.alloc(1024 * 1024, "x");
    const blocks = 100;
    fault = (socket, expects) => {
      const send = (left: number) => void (left > 0 && socket.write(block, () => send(left - 1)));
      socket.write(head(expects, `content-length: ${blocks * block.length}`));
      send(blocks);
    };
    for (const asking of everyAsking.filter(({ expects }) => expects === "bytes")) {
      const init = { headers: { ...asking.headers, "x-expects": asking.expects } };
      const response = await gateway.ask(asking.path, {
        method: "POST",
        body: asking.body,
        ...init,
      });
      let bytes = 0;
      for await (const part of response.body ?? []) bytes += part.length;
      expect(bytes).toBe(blocks * block.length);
    }
  });

  test("refuses the connection is 503 with a time to ask again", async () => {
    await upstream.stop();
    for (const asking of everyAsking) {
      const seen = await ask(asking);
      expect([asking.name, seen.status]).toEqual([asking.name, 503]);
      expect(seen.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(codeIn(seen.text ?? "")).toMatch(/^(upstream_unavailable|backend_not_ready)$/);
    }
  });
});
