import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keyFile, readKey } from "../../src/apply/key-files.ts";
import { perform } from "../../src/apply/perform.ts";
import { type ApplyContext, World } from "../../src/apply/world.ts";
import { certificateDigest } from "../../src/gateway/config.ts";
import { keyDigest, type KeyRecord } from "../../src/gateway/protocol.ts";
import type { Action, Plan } from "../../src/plan/plan.ts";
import { GatewayStub, type SeenRequest } from "../readiness/gateway-stub.ts";
import { folderOf } from "../stack/folder.ts";
import { container, observedOf } from "../support/builders.ts";
import { makeCertificate } from "../support/certificates.ts";

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

test("a configuration that names a certificate comes with it and its key, read when it is sent", async () => {
  await using folder = await folderOf({});
  const { certificate, key } = makeCertificate();
  const certified = { cert: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
  await writeFile(certified.cert, certificate);
  await writeFile(certified.key, key, { mode: 0o600 });
  const orders: SeenRequest[] = [];
  const stub: GatewayStub = new GatewayStub((request) => {
    orders.push(request);
    stub.send({ id: request.id, ok: { config_hash: "x" } });
  });
  const tls = { certificate: certificateDigest(certificate) };
  const config = { version: 1 as const, stack: "home", upstreams: [], aliases: {}, tls };
  const because = "it has a certificate now";
  const action: Action = { id: "c", after: [], because, kind: "configure", config, certified };
  await perform(action, worldOf(stub), manner);
  expect(orders).toMatchObject([{ op: "configure", config, tls: { certificate, key } }]);
  expect(JSON.stringify(action)).not.toContain("PRIVATE");
});
