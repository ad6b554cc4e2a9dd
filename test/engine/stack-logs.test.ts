import { expect, test } from "vitest";
import type {
  Engine,
  EngineEvent,
  LogLine,
  LogOptions,
  ObservedContainer,
} from "../../src/engine/engine.ts";
import { isOneOf, readStackLogs, type StackLogLine } from "../../src/engine/stack-logs.ts";
import { container, observedOf } from "../support/builders.ts";

type Asked = Readonly<{ id: string; options: LogOptions }>;

/** An engine whose containers have these logs, and whose events are told by the test. */
function engineWith(
  logs: Readonly<Record<string, readonly string[]>>,
  events: AsyncIterable<EngineEvent>,
) {
  const asked: Asked[] = [];
  const containers = Object.keys(logs).map((name) => container(name));
  const engine = {
    observe: async () => observedOf({ containers }),
    events: () => events,
    containers: {
      inspect: async (id: string): Promise<ObservedContainer | undefined> =>
        containers.find((each) => each.id === id),
      async *logs(id: string, options: LogOptions): AsyncGenerator<LogLine> {
        asked.push({ id, options });
        const name = id.replace(/^id-home-(.*)-1$/, "$1");
        const told =
          options.follow === true ? [`2026-01-01T00:00:09Z again ${name}`] : (logs[name] ?? []);
        for (const line of told) {
          const [timestamp = "", ...words] = line.split(" ");
          yield { stream: "stdout", timestamp, text: words.join(" ") };
        }
      },
    },
  };
  return { asked, engine: engine as unknown as Engine };
}

async function* startOf(name: string): AsyncGenerator<EngineEvent> {
  yield {
    type: "container",
    action: "start",
    id: `id-home-${name}-1`,
    name,
    attributes: {},
    timeNano: 0n,
  };
}

async function texts(lines: AsyncIterable<StackLogLine>): Promise<string[]> {
  const all: string[] = [];
  for await (const { service, text } of lines) all.push(`${service}: ${text}`);
  return all;
}

const logs = {
  a: ["2026-01-01T00:00:01Z one", "2026-01-01T00:00:04Z four"],
  b: ["2026-01-01T00:00:02Z two", "2026-01-01T00:00:03Z three"],
  c: ["2026-01-01T00:00:00Z unwanted"],
};
const wants = isOneOf(["a", "b"]);

test("logs of several containers come as one, in the order of time, and only of those asked for", async () => {
  const { engine } = engineWith(logs, startOf("a"));
  const lines = readStackLogs(
    engine,
    { stack: "home", wants, follow: false },
    new AbortController().signal,
  );
  expect(await texts(lines)).toEqual(["a: one", "b: two", "b: three", "a: four"]);
});

test("following goes on after the last line, and an empty range is not filled from the beginning", async () => {
  const { asked, engine } = engineWith({ a: logs.a, b: [] }, startOf("c"));
  const options = { stack: "home", wants, follow: true, since: "2026-01-01T00:00:00Z" };
  const told = await texts(readStackLogs(engine, options, new AbortController().signal));
  expect(told.slice(0, 2)).toEqual(["a: one", "a: four"]);
  expect(told.slice(2).toSorted()).toEqual(["a: again a", "b: again b"]);
  const following = asked.filter(({ options: { follow } }) => follow === true);
  expect(following.map(({ options: { since } }) => since)).toEqual([
    "1767225604.000000001",
    "2026-01-01T00:00:00Z",
  ]);
});

test("a helper of ours is nobody's log", () => {
  expect(wants(container("a", { identity: { generation: 0, role: "job" } }))).toBe(false);
});
