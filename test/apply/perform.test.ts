import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keyFile, readKey } from "../../src/apply/key-files.ts";
import { perform } from "../../src/apply/perform.ts";
import { type ApplyContext, World } from "../../src/apply/world.ts";
import { keyDigest, type KeyRecord } from "../../src/gateway/protocol.ts";
import type { Action, Plan } from "../../src/plan/plan.ts";
import { GatewayStub, type SeenRequest } from "../readiness/gateway-stub.ts";
import { container, observedOf } from "../support/builders.ts";

const emptyPlan: Plan = {
  stack: "home",
  actions: [],
  recoveries: {},
  unchanged: [],
  warnings: [],
};
const manner = { tell: () => undefined, signal: new AbortController().signal };

/** A world whose gateway is this stub. */
function worldOf(stub: GatewayStub): World {
  return new World(emptyPlan, {
    engine: { containers: { exec: async () => stub } },
    observed: observedOf({ containers: [container("gateway")] }),
  } as unknown as ApplyContext);
}

test("the first key is in its file before the gateway knows it: whenever `up` is killed, somebody has it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nexus-key-"));
  const path = keyFile(folder, "default");
  const known: KeyRecord[] = [];
  let saved: string | undefined;
  const answer = async ({ id, ...request }: SeenRequest): Promise<void> => {
    if (request.op === "keys.add") {
      known.push(request.key);
      saved = await readKey(path);
    }
    stub.send({ id, ok: request.op === "keys.list" ? [] : null });
  };
  const stub: GatewayStub = new GatewayStub((request) => void answer(request));
  const action: Action = {
    id: "create-key default",
    after: [],
    because: "without a key it serves nobody",
    kind: "create-key",
    name: "default",
    folder,
  };

  await perform(action, worldOf(stub), manner);

  expect(known.map(({ digest }) => digest)).toEqual([keyDigest(saved ?? "")]);
  await rm(folder, { recursive: true });
});

test("who switches back before the gateway was told anything leaves it as it is", async () => {
  const stub = new GatewayStub();
  const upstream = { id: "web", url: "http://home-web-1:8000" };
  const action = { id: "switch web", after: [], because: "back", kind: "switch", upstream };

  await perform(action as unknown as Action, worldOf(stub), manner);

  expect(stub.seen).toEqual([]);
});
