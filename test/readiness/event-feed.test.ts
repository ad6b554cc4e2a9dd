import { afterEach, expect, test } from "vitest";
import {
  type ContainerNews,
  type EventFeed,
  openEventFeed,
} from "../../src/readiness/event-feed.ts";
import { ManualClock, settled } from "./manual-clock.ts";
import { container, die, event, StubEngine } from "./stub-engine.ts";

const feeds: EventFeed[] = [];

afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.close();
});

async function open(engine: StubEngine, clock = new ManualClock()): Promise<EventFeed> {
  const feed = openEventFeed({ engine, stack: "home", clock, patienceMs: 1_000 });
  feeds.push(feed);
  await settled();
  return feed;
}

function listen(feed: EventFeed, id = "c1"): ContainerNews[] {
  const heard: ContainerNews[] = [];
  feed.subscribe(id, (news) => heard.push(news));
  return heard;
}

test("a subscriber is told first what the container is, then what happened since the feed opened", async () => {
  const engine = new StubEngine();
  const feed = await open(engine);
  engine.container = container({ state: "exited", exitCode: 1 });
  engine.emit(event("start"), die(1));
  await settled();

  const heard = listen(feed);
  engine.emit(event("destroy"));
  await settled();

  expect(heard).toMatchObject([
    { kind: "observed", container: { state: "exited" }, afterLoss: false },
    { kind: "event", event: { action: "start" } },
    { kind: "event", event: { action: "die" } },
    { kind: "event", event: { action: "destroy" } },
  ]);
});

test("subscribers hear of their own container only, and of nothing after they left", async () => {
  const engine = new StubEngine();
  const feed = await open(engine);
  const others = listen(feed, "c2");
  const heard: ContainerNews[] = [];
  const leave = feed.subscribe("c1", (news) => heard.push(news));
  await settled();

  engine.emit(event("start"));
  await settled();
  leave();
  engine.emit(die(1));
  await settled();

  expect(heard.map(({ kind }) => kind)).toEqual(["observed", "event"]);
  expect(others.map(({ kind }) => kind)).toEqual(["observed"]);
});

test("when the engine comes back, the containers are looked at again before new events are told", async () => {
  const engine = new StubEngine();
  const clock = new ManualClock();
  const feed = await open(engine, clock);
  const heard = listen(feed);
  await settled();

  engine.leave(new Error("gone"));
  await clock.advance(500);
  engine.away = undefined;
  engine.container = container({ state: "exited", exitCode: 137 });
  await clock.advance(250);
  engine.emit(event("start"));
  await settled();

  expect(heard.slice(1)).toMatchObject([
    { kind: "observed", container: { exitCode: 137 }, afterLoss: true },
    { kind: "event", event: { action: "start" } },
  ]);
  expect(engine.streams).toBe(2);
});

test("subscribers are told when the engine stays away", async () => {
  const engine = new StubEngine();
  const clock = new ManualClock();
  const feed = await open(engine, clock);
  const heard = listen(feed);
  await settled();

  const gone = new Error("gone");
  engine.leave(gone);
  await clock.advance(2_000);

  expect(heard.at(-1)).toEqual({ kind: "lost", error: gone });
});

test("a subscription while the engine is away waits for it", async () => {
  const engine = new StubEngine();
  const clock = new ManualClock();
  const feed = await open(engine, clock);
  engine.leave(new Error("gone"));

  const heard = listen(feed);
  await settled();
  expect(heard).toEqual([]);

  engine.away = undefined;
  await clock.advance(500);
  expect(heard).toContainEqual({ kind: "observed", container: container(), afterLoss: true });
});
