import { expect, test } from "vitest";
import { NoReleaseError, releaseGpu, ReleaseFailedError } from "../../src/apply/release-gpu.ts";
import { UnknownServiceError } from "../../src/apply/selection.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { ReleaseVerb } from "../../src/stack/stack.ts";
import { formatRelease } from "../../src/terminal/gpus.ts";
import { plainRequest } from "../engine/subject.ts";
import { type Answer, storeOf } from "../readiness/stub-store.ts";
import { contractProbe, service, stackOf } from "../support/builders.ts";
import { InMemoryEngine } from "../support/in-memory-engine.ts";

const verb: ReleaseVerb = {
  method: "POST",
  path: "/api/generate",
  body: { model: "{model}", keep_alive: 0 },
};
const loaded: Answer = { body: [{ models: [{ name: "a:1" }, { name: 'b"2' }] }] };

/** An engine on which `llm` runs on a GPU of which this much is used, in MiB, each time it is asked. */
async function engineWith(...used: readonly string[]): Promise<Engine> {
  const answers = [...used];
  const engine = new InMemoryEngine({
    images: ["llm:1"],
    behaviour: () => ({ exec: () => ({ stdout: answers.shift() ?? "", exitCode: 0 }) }),
  });
  const network = await engine.networks.create({ name: "home", stack: "home", internal: false });
  const { identity, ...request } = plainRequest("home");
  const id = await engine.containers.create(
    {
      ...request,
      image: "llm:1",
      identity: { ...identity, service: "llm", generation: 1 },
      gpus: { kind: "nvidia", ids: ["GPU-1"] },
    },
    network,
  );
  await engine.containers.start(id);
  return engine;
}

async function release(
  answers: Parameters<typeof storeOf>[0],
  { engine, verb: said = verb }: Readonly<{ engine: Engine; verb?: ReleaseVerb }>,
) {
  const stub = storeOf(answers);
  await using link = stub.link();
  const probe = { ...contractProbe, models: "ollama" } as const;
  const stack = stackOf([service("llm", { release: said, probe }), service("web")]);
  const told = await releaseGpu({ engine, link, stack }, "llm");
  const asked = stub.seen.flatMap((request) =>
    request.op === "request" ? [{ path: request.path, body: request.body }] : [],
  );
  return { told, asked };
}

test("every model that is loaded is unloaded, and the memory that came free is told", async () => {
  const engine = await engineWith("9000\n", "9000\n", "808\n");
  const { told, asked } = await release(
    { "GET /api/ps": loaded, "POST /api/generate": { body: [{ done: true }] } },
    { engine },
  );

  expect(asked.slice(1)).toEqual([
    { path: "/api/generate", body: { model: "a:1", keep_alive: 0 } },
    { path: "/api/generate", body: { model: 'b"2', keep_alive: 0 } },
  ]);
  expect(told).toEqual({ service: "llm", models: ["a:1", 'b"2'], freedBytes: 8192 * 1024 ** 2 });
  expect(formatRelease(told)).toBe('llm was told to unload a:1, b"2; 8 GiB came free.');
});

test("software that frees everything at once is asked once", async () => {
  const free: ReleaseVerb = { method: "POST", path: "/free" };
  const { told, asked } = await release(
    { "POST /free": { body: [] } },
    { engine: await engineWith("no driver"), verb: free },
  );

  expect(asked).toEqual([{ path: "/free", body: undefined }]);
  expect(formatRelease(told)).toBe("llm was told to unload what it had loaded.");
});

test("a refusal is told, and so is a service that cannot be asked", async () => {
  const engine = await engineWith("1");
  const stack = stackOf([service("web")]);
  await using link = storeOf({}).link();

  await expect(release({ "GET /api/ps": loaded }, { engine })).rejects.toThrow(ReleaseFailedError);
  await expect(releaseGpu({ engine, link, stack }, "web")).rejects.toThrow(NoReleaseError);
  await expect(releaseGpu({ engine, link, stack }, "llm")).rejects.toThrow(UnknownServiceError);
});

test.each<Readonly<{ what: string; answer: Answer; why: RegExp }>>([
  { what: "an error", answer: { status: 500, body: [] }, why: /GET \/api\/ps answered with 500/ },
  { what: "no JSON", answer: { body: ["<html>"] }, why: /does not list what it has loaded/ },
  { what: "no list", answer: { body: [{ models: 3 }] }, why: /does not list what it has loaded/ },
])("what has to be unloaded and is told as $what is a failure, not a success", async (told) => {
  const engine = await engineWith("9000\n");
  const released = release({ "GET /api/ps": told.answer }, { engine });

  await expect(released).rejects.toThrow(ReleaseFailedError);
  await expect(released).rejects.toThrow(told.why);
});

test("where nothing is loaded, nothing is asked for, and that is told", async () => {
  const answers = { "GET /api/ps": { body: [{ models: null }] } };
  const { told, asked } = await release(answers, { engine: await engineWith("no driver") });

  expect(asked).toHaveLength(1);
  expect(formatRelease(told)).toBe("llm has nothing loaded.");
});
