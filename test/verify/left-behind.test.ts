import { expect, test } from "vitest";
import { service, stackOf } from "../support/builders.ts";
import { told, up } from "../plan/scenario.ts";

test("a copy that a killed `nexus verify` left behind goes with the next `up`, and what serves stays", () => {
  const stack = stackOf([service("web")]);
  const world = up(stack);
  const serving = world.observed.containers.find(({ name }) => name === "home-web-1");
  if (serving?.identity === undefined) throw new Error("web is not up");
  const identity = { ...serving.identity, role: "job", generation: 0 } as const;
  const copy = { ...serving, id: "copy", name: "home-web-verify", identity };
  const observed = { ...world.observed, containers: [...world.observed.containers, copy] };
  expect(told({ ...world, observed }, stack)).toMatchInlineSnapshot(`
    "
    web
      await   home-web-1 until ready  it has to serve before others go
      stop    home-web-verify         an interrupted run left it behind
      remove  home-web-verify         an interrupted run left it behind

    1 to wait for
    "
  `);
});
