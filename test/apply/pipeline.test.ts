import fc from "fast-check";
import { expect, test } from "vitest";
import { type Ending, runPipeline } from "../../src/apply/pipeline.ts";
import type { Action } from "../../src/plan/plan.ts";
import { toBeReady } from "../readiness/judge-steps.ts";

const start = (id: string, after: readonly string[] = []): Action => ({
  id,
  after,
  because: "asked",
  kind: "start",
  container: id,
});

async function run(
  actions: readonly Action[],
  options: Readonly<{
    failing?: readonly string[];
    width?: number;
    stopped?: () => boolean;
    onPerform?: (id: string) => void;
  }> = {},
): Promise<
  Readonly<{ endings: ReadonlyMap<string, Ending>; order: readonly string[]; widest: number }>
> {
  const order: string[] = [];
  let busy = 0;
  let widest = 0;
  const endings = await runPipeline(actions, {
    width: options.width ?? 8,
    stopped: options.stopped ?? (() => false),
    onStart: () => undefined,
    onEnd: () => undefined,
    perform: async ({ id }) => {
      widest = Math.max(widest, ++busy);
      options.onPerform?.(id);
      await Promise.resolve();
      busy--;
      order.push(id);
      if (options.failing?.includes(id)) throw new Error(`${id} broke`);
    },
  });
  return { endings, order, widest };
}

test("what waits for another service names that service, not its actions", async () => {
  const { endings } = await run(
    [
      { ...start("await web-1"), service: "web" },
      { ...start("create ui-1", ["await web-1"]), service: "ui" },
    ],
    { failing: ["await web-1"] },
  );

  expect(endings.get("create ui-1")).toEqual({
    outcome: "skipped",
    because: "web did not succeed",
  });
});

test("an action runs only after all those it waits for have succeeded", async () => {
  const { order } = await run([start("c", ["a", "b"]), start("a"), start("b", ["a"])]);

  expect(order).toEqual(["a", "b", "c"]);
});

test("what waits for a failed action is skipped and says whose fault it is; the rest goes on", async () => {
  const { endings, order } = await run(
    [start("a"), start("b", ["a"]), start("c", ["b"]), start("d")],
    { failing: ["a"] },
  );

  expect(order).toEqual(["a", "d"]);
  expect(endings.get("b")).toEqual({ outcome: "skipped", because: "a did not succeed" });
  expect(endings.get("c")).toEqual({ outcome: "skipped", because: "b did not succeed" });
  expect(endings.get("d")?.outcome).toBe("done");
});

test("no more than the given number of engine calls are in flight", async () => {
  const { widest } = await run(
    Array.from({ length: 20 }, (_, index) => start(`s${index}`)),
    { width: 3 },
  );

  expect(widest).toBe(3);
});

test("once stopped nothing new is started and everything left is reported as interrupted", async () => {
  let stopped = false;
  const { endings, order } = await run([start("a"), start("b", ["a"])], {
    stopped: () => stopped,
    onPerform: () => (stopped = true),
  });

  expect(order).toEqual(["a"]);
  expect(endings.get("b")).toEqual({ outcome: "skipped", because: "interrupted" });
});

test("every action ends exactly once, in an order that respects the graph, whatever fails", async () => {
  const graph = fc
    .integer({ min: 1, max: 25 })
    .chain((size) =>
      fc.tuple(
        ...Array.from({ length: size }, (_, index) =>
          fc.tuple(fc.subarray(Array.from({ length: index }, (__, i) => `a${i}`)), fc.boolean()),
        ),
      ),
    );

  await fc.assert(
    fc.asyncProperty(graph, async (nodes) => {
      const actions = nodes.map(([after], index) => start(`a${index}`, after));
      const failing = nodes.flatMap(([, fails], index) => (fails ? [`a${index}`] : []));
      const { endings, order } = await run(actions, { failing, width: 4 });

      expect(endings.size).toBe(actions.length);
      for (const action of actions) {
        const ran = order.includes(action.id);
        const allowed = action.after.every((id) => endings.get(id)?.outcome === "done");
        expect(ran).toBe(allowed);
      }
    }),
  );
});

test("a store fetches two models at once, and other stores do not wait for it", async () => {
  const upstream = toBeReady.upstream;
  if (!upstream) throw new Error("no upstream");
  const pull = (service: string, model: string): Action => ({
    id: `${service} ${model}`,
    service,
    after: [],
    because: "declared",
    kind: "pull-model",
    store: "ollama",
    upstream,
    model,
    declared: [],
    onEngineDisk: true,
    stallTimeoutMs: 1,
  });
  const actions = ["a", "b", "c", "d"].flatMap((model) => [pull("one", model), pull("two", model)]);
  const running: string[] = [];
  const seen: string[] = [];
  await runPipeline(actions, {
    width: 1,
    stopped: () => false,
    onStart: ({ service = "" }) => running.push(service),
    onEnd: ({ service = "" }) => void running.splice(running.indexOf(service), 1),
    perform: async () => {
      await Promise.resolve();
      seen.push(running.toSorted().join(" "));
    },
  });
  expect(seen[0]).toBe("one one two two");
  expect(seen).toHaveLength(8);
  expect(seen.filter((now) => /(one.*){3}|(two.*){3}/.test(now))).toEqual([]);
});
