import { readFile, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { saveKey } from "../../src/apply/key-files.ts";
import { exitCodeOf } from "../../src/apply/report.ts";
import { keyDigest } from "../../src/gateway/protocol.ts";
import { ServiceKeyTakenError } from "../../src/plan/errors.ts";
import type { Stack } from "../../src/stack/stack.ts";
import { folderOf } from "../stack/folder.ts";
import { service, stackOf } from "../support/builders.ts";
import { bringUp, SimulatedEngine } from "./simulated-stack.ts";

/** A service that asks the gateway with a key of its own. */
function home(directory: string): Stack {
  const web = service("web", {
    image: { kind: "pull", ref: "web:1", pullPolicy: "missing" },
    stallTimeoutMs: 100,
    stableMs: 1,
    gatewayKey: { name: "gateway_key", file: `${directory}/.nexus/secrets/web.key` },
  });
  return stackOf([web], { directory });
}

const namesOf = (engine: SimulatedEngine) => engine.keys.map(({ name }) => name);

test("the first `up` makes a service's key, for its owner alone, and tells the gateway its digest; the second changes nothing", async () => {
  await using folder = await folderOf({});
  const engine = new SimulatedEngine();

  const { report } = await bringUp(engine, home(folder.path));

  expect(exitCodeOf(report)).toBe(0);
  const file = `${folder.path}/.nexus/secrets/web.key`;
  const key = (await readFile(file, "utf8")).trim();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(engine.keys[1]).toMatchObject({
    name: "web",
    digest: keyDigest(key),
    scopes: ["inference"],
  });
  const again = await bringUp(engine, home(folder.path));
  expect(again.plans).toEqual([]);
  expect(JSON.stringify([...engine.world.containers.values()])).not.toContain(key);
});

test("a gateway that has lost its keys is told the key that the service has, which goes on running", async () => {
  await using folder = await folderOf({});
  const engine = new SimulatedEngine();
  await bringUp(engine, home(folder.path));
  const [before] = engine.keys.splice(1);

  const { plans } = await bringUp(engine, home(folder.path));

  expect(plans.flatMap(({ actions }) => actions.map(({ id }) => id))).toEqual(["grant-key web"]);
  expect(engine.keys[1]?.digest).toBe(before?.digest);
});

test("a key that was replaced reaches its service in a new container", async () => {
  await using folder = await folderOf({});
  const engine = new SimulatedEngine();
  await bringUp(engine, home(folder.path));
  const [record] = engine.keys.splice(1);
  await saveKey(folder.path, "web", "nx_rotated");
  if (record) engine.keys.push({ ...record, digest: keyDigest("nx_rotated") });

  await bringUp(engine, home(folder.path));

  expect(engine.running).toEqual(["home-gateway-1", "home-web-2"]);
});

test("a key of that name that somebody made is left as it is, at the gateway and on the disk", async () => {
  await using folder = await folderOf({});
  const engine = new SimulatedEngine();
  await bringUp(engine, stackOf([], { directory: folder.path }));
  const [mine] = engine.keys;
  if (mine) engine.keys.push({ ...mine, name: "web" });

  await expect(bringUp(engine, home(folder.path))).rejects.toThrow(ServiceKeyTakenError);

  expect(namesOf(engine)).toEqual(["default", "web"]);
  await expect(stat(`${folder.path}/.nexus/secrets/web.key`)).rejects.toThrow("ENOENT");
});

test("where the gateway can say so only while the plan is carried out, the service fails and the key stays", async () => {
  await using folder = await folderOf({});
  const engine = new SimulatedEngine();
  const [mine] = engine.keys;
  if (mine) engine.keys.push({ ...mine, name: "web" });

  const { report } = await bringUp(engine, home(folder.path));

  expect(report.services.find(({ service: name }) => name === "web")).toMatchObject({
    outcome: "failed",
    failure: { cause: { code: "NEXUS_SERVICE_KEY_TAKEN" } },
  });
  await expect(stat(`${folder.path}/.nexus/secrets/web.key`)).rejects.toThrow("ENOENT");
});

test("an `up` that was killed between the file and the gateway goes on with the key in the file", async () => {
  await using folder = await folderOf({});
  await saveKey(folder.path, "web", "nx_already-saved");
  const engine = new SimulatedEngine();

  await bringUp(engine, home(folder.path));

  expect(engine.keys[1]?.digest).toBe(keyDigest("nx_already-saved"));
});

test("a key file that others can read is refused", async () => {
  await using folder = await folderOf({ ".nexus/secrets/web.key": "" });
  await writeFile(`${folder.path}/.nexus/secrets/web.key`, "nx_loose\n", { mode: 0o644 });

  await expect(bringUp(new SimulatedEngine(), home(folder.path))).rejects.toThrow(
    /can be read by others/,
  );
});
