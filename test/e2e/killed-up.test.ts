import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { containersOf, type StackFolder, stackFolder, until, writeIn } from "../support/cli.ts";
import {
  belongingsOf,
  momentsOver,
  processesIn,
  readInside,
  signalAfter,
  wipe,
  writeInside,
} from "../support/kills.ts";

/** Another seed tries other moments: `NEXUS_KILL_SEED=7 npx vitest …`. */
const seed = Number(process.env["NEXUS_KILL_SEED"] ?? 20_260_101);
const killsEach = Number(process.env["NEXUS_KILLS"] ?? 15);
/** A minute and a half where nothing else runs; a busy machine may take its time. */
const patience = { timeout: 900_000 };

const folders: StackFolder[] = [];
afterAll(async () => Promise.all(folders.map((folder) => folder[Symbol.asyncDispose]())));

/** Secrets, a volume, a dependent and a second network: whatever `up` can be killed in the middle of. */
const services = (name: string) => `
  store:
    image: nexus-test/scenario:1
    port: 9000
    provides: [chat]
    environment: { SCENARIO_NAME: ${name} }
    volumes: [data:/data]
    secrets: [token]
  page:
    image: nexus-test/web:1
    port: 9000
    provides: [tool]
    environment: { PAGE_NAME: ${name} }
  inner: { image: nexus-test/web:1, port: 9000, provides: [tool], egress: false, depends_on: [page] }
volumes: { data: {} }
`;

async function killableStack(): Promise<StackFolder> {
  const folder = await stackFolder(services("first"));
  folders.push(folder);
  await writeIn(folder, ".nexus/secrets/token", "a secret\n");
  return folder;
}

/** The next `up` has to succeed, and what is there then is the stack and nothing else; `moment` is for the diff. */
async function mustConverge(stack: StackFolder, moment: string): Promise<void> {
  const up = await stack.run("up");
  const { containers, networks, volumes } = await belongingsOf(stack.name);
  const status = await stack.json<{ services: { state: string }[] }>("status");

  expect({
    moment,
    up: up.exitCode === 0 ? "exit 0" : up.stderr,
    containers: containers.map((container) => container.replace(/-\d+ /, " ")).toSorted(),
    networks,
    volumes,
    status: [status.exitCode, ...status.document.services.map(({ state }) => state)],
    withTheSavedKey: up.exitCode === 0 ? await modelsStatus(stack) : undefined,
  }).toEqual({
    moment,
    up: "exit 0",
    containers: [
      "gateway running unless-stopped",
      "inner running unless-stopped",
      "page running unless-stopped",
      "store running unless-stopped",
    ],
    networks: [stack.name, `${stack.name}-internal`],
    volumes: [`${stack.name}-gateway`, `${stack.name}-store-secrets`, `${stack.name}_data`],
    status: [0, "ready", "ready", "ready", "ready"],
    withTheSavedKey: 200,
  });
}

async function modelsStatus(stack: StackFolder): Promise<number> {
  const headers = { authorization: `Bearer ${stack.key()}` };
  return (await fetch(`${stack.api}/v1/models`, { headers })).status;
}

/** Resolves with what is good to know when the next `up` does not mend it. */
async function killUp(stack: StackFolder, ms: number): Promise<string> {
  const { signal, stderr } = await signalAfter(stack, ["up"], { signal: "SIGKILL", ms });
  return `seed ${seed}: ${signal ?? "too late"} after ${ms} ms and\n${stderr}`;
}

async function onlyContainer(stack: StackFolder, service: string): Promise<string> {
  const [container] = await containersOf(stack.name, service);
  return container?.Name.slice(1) ?? "";
}

test.concurrent(
  "killed at any moment of a first `up`, the next one converges, leaves nothing over and loses no data",
  patience,
  async () => {
    const stack = await killableStack();
    const since = performance.now();
    await stack.must("up");
    const moments = momentsOver(performance.now() - since, killsEach, seed);
    await writeInside(await onlyContainer(stack, "store"), "/data/mark", "kept");

    for (const [index, ms] of moments.entries()) {
      const withVolumes = index % 2 === 1;
      await wipe(stack.name, { volumes: withVolumes });
      if (withVolumes) await rm(join(stack.directory, ".nexus/secrets/default.key"));
      const moment = await killUp(stack, ms);

      await mustConverge(stack, moment);
      const store = await onlyContainer(stack, "store");
      if (withVolumes) await writeInside(store, "/data/mark", "kept");
      expect(await readInside(store, "/data/mark")).toContain("kept");
    }
  },
);

test.concurrent(
  "killed at any moment of a replacement, the next one converges, leaves nothing over and loses no data",
  patience,
  async () => {
    const stack = await killableStack();
    await stack.must("up");
    await writeInside(await onlyContainer(stack, "store"), "/data/mark", "kept");
    await stack.write(services("second"));
    const since = performance.now();
    await stack.must("up");
    const moments = momentsOver(performance.now() - since, killsEach, seed + 1);

    for (const [index, ms] of moments.entries()) {
      await stack.write(services(`change-${index}`));
      const moment = await killUp(stack, ms);

      await mustConverge(stack, moment);
      const [store] = await containersOf(stack.name, "store");
      expect(store?.Config.Env).toContain(`SCENARIO_NAME=change-${index}`);
      expect(await readInside(store?.Id ?? "", "/data/mark")).toContain("kept");
    }
    const gateway = await onlyContainer(stack, "gateway");
    await until("no process is left in the gateway's container but its own", async () => {
      const processes = await processesIn(gateway);
      return processes.every((command) => !command.endsWith(" control"));
    });
  },
);
