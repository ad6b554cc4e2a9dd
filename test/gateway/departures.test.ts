import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyAsking, everyCapability, type Asking } from "../support/every-endpoint.ts";
import { good, head } from "../support/faults.ts";
import { launchGateway, upstreamAt, type TestGateway } from "../support/gateway.ts";
import { startUpstream, type Behaviour, type TestUpstream } from "../support/upstream.ts";

const ways = {
  FIN: (socket: Socket) => void socket.end(),
  RST: (socket: Socket) => void socket.resetAndDestroy(),
} as const;

/** What the upstream has done when the client leaves, and what the client has seen of it. */
type Phase = Readonly<{ answer: (expects: Asking["expects"]) => string; sees: boolean }>;

const half = {
  json: '{"done":',
  events: 'data: {"delta":"a"}\n\ndata: {"de',
  bytes: "RIFF",
} as const;
/** The head of an answer whose end is not known yet. */
const open = (expects: Asking["expects"]) => head(expects, "connection: close");

const phases: Readonly<Record<string, Phase>> = {
  "before the headers": { answer: () => "", sees: false },
  "inside the answer": { answer: (expects) => open(expects) + half[expects], sees: true },
  "after the last byte but before the end": {
    answer: (expects) => open(expects) + good[expects],
    sees: true,
  },
};

let upstream: TestUpstream;
let gateway: TestGateway;
let baseline: Readonly<Record<string, number>>;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await launchGateway({
    NEXUS_GATEWAY_POLL_READY_MS: "600000",
    NEXUS_GATEWAY_HEARTBEAT_MS: "30000",
  });
  // One place: a slot that is not given back stops everything that comes later.
  const one = { provides: everyCapability, models: ["echo"], max_concurrency: 1 };
  await gateway.configure([upstreamAt(upstream.url, one)]);
  const [asking] = everyAsking;
  if (asking) await leave({ asking, answer: () => {}, isSeen: false, way: ways.RST });
  baseline = resources();
});

afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

/** Asks, leaves when the upstream has got that far, and returns how many milliseconds later the upstream knew. */
async function leave({
  asking,
  answer,
  isSeen,
  way,
  to = gateway.url,
}: Readonly<{
  asking: Asking;
  answer: Behaviour;
  isSeen: boolean;
  way: (socket: Socket) => void;
  to?: string;
}>) {
  upstream.behave({ [asking.path]: answer });
  const { aborts, received } = upstream;
  const [before, arrived] = [aborts.count, received.length];
  const socket = await send(asking, to);
  await upstream.untilReceived(arrived + 1);
  if (isSeen) await once(socket, "data");
  else await turn();
  const since = performance.now();
  way(socket);
  await upstream.untilAborts(before + 1);
  await untilIdle();
  return aborts.at - since;
}

/** Sends a request over a socket of its own. */
async function send({ path, headers, body }: Asking, to = gateway.url): Promise<Socket> {
  const { hostname, port } = new URL(to);
  const socket = createConnection({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  const lines = [
    `POST ${path} HTTP/1.1`,
    "host: gateway",
    `authorization: Bearer ${gateway.key}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map((pair) => pair.join(": ")),
  ];
  await new Promise((resolve) => socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`, resolve));
  return socket;
}

/** An upstream that writes bytes and then neither goes on nor ends. */
const writes =
  (bytes: string): Behaviour =>
  (_, { socket }) =>
    void socket?.write(bytes);

/** Whether a client sees anything: a small whole answer is held until it is complete. */
const sees = ({ expects }: Asking, phase: Phase) => phase.sees && expects !== "json";

async function untilIdle(): Promise<void> {
  const idle = ["nexus_in_flight", "nexus_queue_depth"].map(
    (name) => `${name}{upstream="one"} 0\n`,
  );
  for (let text = ""; !idle.every((line) => text.includes(line));) {
    text = await (await gateway.observe("/metrics")).text();
  }
}

/** What keeps this process busy, counted by kind. */
function resources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Resolves when there are no more sockets and timers than in the beginning. */
async function untilNothingIsLeft(): Promise<void> {
  const isMore = () => {
    const now = resources();
    return ["TCPSocketWrap", "Timeout"].some((kind) => (now[kind] ?? 0) > (baseline[kind] ?? 0));
  };
  while (isMore()) await turn();
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Infinity;
}

describe.each(Object.keys(ways) as (keyof typeof ways)[])("a client that leaves (%s)", (how) => {
  test.each(Object.entries(phases))(
    "%s cancels the upstream's request at once at every endpoint and leaves nothing behind",
    async (_, phase) => {
      const delays: number[] = [];
      const direct: number[] = [];
      for (const asking of everyAsking) {
        const answer = writes(phase.answer(asking.expects));
        const isSeen = sees(asking, phase);
        const departure = { asking, answer, way: ways[how] };
        delays.push(await leave({ ...departure, isSeen }));
        direct.push(await leave({ ...departure, isSeen: phase.sees, to: upstream.url }));
      }
      // The slowest are the machine's; a limit of the gateway's would show in all. A busy machine is slow without it, too.
      expect(median(delays)).toBeLessThan(Math.max(100, 20 * median(direct)));
      await untilNothingIsLeft();
    },
  );

  test("while it reads nothing cancels the upstream's request at every endpoint", async () => {
    for (const asking of everyAsking) {
      const stuck = Promise.withResolvers<void>();
      const answer: Behaviour = async (_request, { socket }, aborted) => {
        socket?.write(open(asking.expects));
        const block =
          asking.expects === "events" ? "data: x\n\n".repeat(8_000) : "x".repeat(72_000);
        let isTaken = true;
        while (isTaken) isTaken = socket?.write(block) ?? false;
        stuck.resolve();
        await aborted;
      };
      upstream.behave({ [asking.path]: answer });
      const before = upstream.aborts.count;
      const socket = await send(asking);
      socket.pause();
      await stuck.promise;
      ways[how](socket);
      await upstream.untilAborts(before + 1);
      // Paused as it is, it would never see the gateway's end of the connection.
      socket.destroy();
      await untilIdle();
      expect(upstream.aborts.count).toBe(before + 1);
    }
    await untilNothingIsLeft();
  });

  test("while it queues is forgotten at every endpoint, and its request reaches nobody", async () => {
    for (const asking of everyAsking) {
      upstream.behave({ [asking.path]: () => {} });
      const arrived = upstream.received.length;
      const before = upstream.aborts.count;
      const first = await send(asking);
      await upstream.untilReceived(arrived + 1);
      const second = await send(asking);
      await untilQueued(1);
      ways[how](second);
      await untilQueued(0);
      first.destroy();
      await upstream.untilAborts(before + 1);
      await untilIdle();
      expect(upstream.received).toHaveLength(arrived + 1);
    }
    await untilNothingIsLeft();
  });
});

async function untilQueued(count: number): Promise<void> {
  const line = `nexus_queue_depth{upstream="one"} ${count}\n`;
  while (!(await (await gateway.observe("/metrics")).text()).includes(line));
}
