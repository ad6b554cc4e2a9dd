import { expect, test } from "vitest";
import {
  closedRegistry,
  fetchImage,
  forget,
  freshSocketPath,
  openRegistry,
  socketPath,
  startEngineProxy,
  startSecondEngine,
} from "./bed.ts";
import { startContainer } from "./containers.ts";
import { callEngine, engineAnswers } from "./engine-http.ts";

const pauseImage = "nexus-test/pause:1";

test("a forgotten image is pulled again", async () => {
  await fetchImage("nexus-test/foreign-label:1");
  await forget("nexus-test/foreign-label:1");

  const gone = await callEngine(socketPath, { path: "/images/nexus-test/foreign-label:1/json" });

  expect(gone.status).toBe(404);
});

test("a missing tag and a missing login are refused by the registries", async () => {
  await expect(fetchImage(`${openRegistry}/${pauseImage}-missing`)).rejects.toThrow(
    "manifest unknown",
  );
  await expect(fetchImage(`${closedRegistry}/private/pause:1`)).rejects.toThrow("no basic auth");
  await expect(fetchImage(`${openRegistry}/nexus-test/foreign:1`)).rejects.toThrow(
    "no matching manifest",
  );
});

test("a second engine has its own containers, survives a restart and offers no GPUs if so told", async () => {
  await using engine = await startSecondEngine({ nvidia: false });
  await fetchImage(pauseImage, engine.socketPath);
  await startContainer({ image: pauseImage }, engine.socketPath);

  await engine.stop("SIGKILL");
  const whileDown = await engineAnswers(engine.socketPath);
  await engine.start();

  expect(whileDown).toBe(false);
  const all = await callEngine(engine.socketPath, { path: "/containers/json?all=true" });
  expect(JSON.parse(all.text)).toHaveLength(1);
  const gpus = ["GPU-1"];
  await expect(startContainer({ image: pauseImage, gpus }, engine.socketPath)).rejects.toThrow(
    "could not select device driver",
  );
});

test("an engine on a small disk fails a pull for want of space", async () => {
  await using engine = await startSecondEngine({ dataRootBytes: 64 * 2 ** 20 });

  await expect(fetchImage(`${openRegistry}/nexus-test/large:1`, engine.socketPath)).rejects.toThrow(
    "no space left on device",
  );
});

test("the proxy forwards and records, and breaks only the calls it was told to", async () => {
  const places = { socketPath: freshSocketPath(), target: socketPath };
  await using proxy = await startEngineProxy(places, [
    { match: /^GET \/info/, fault: { kind: "reset" }, times: 1 },
    { match: /^GET \/version/, fault: { kind: "answer", status: 500, message: "as told" } },
    { match: /^GET \/images\/json/, fault: { kind: "hang" } },
  ]);
  const ask = async (path: string) => callEngine(proxy.socketPath, { path, timeoutMs: 300 });

  await expect(ask("/info")).rejects.toThrow(/ECONNRESET|socket hang up/);
  expect((await ask("/v1.41/info")).status).toBe(200);
  expect((await ask("/version")).text).toContain("as told");
  await expect(ask("/images/json")).rejects.toThrow("took too long");
  expect(proxy.calls.map(({ path }) => path)).toEqual([
    "/info",
    "/info",
    "/version",
    "/images/json",
  ]);
  expect(proxy.writes()).toEqual([]);
});
