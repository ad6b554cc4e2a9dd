import { afterAll, beforeAll, expect, test } from "vitest";
import { connectEngine } from "../../src/engine/connect.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { applyMigration } from "../../src/migrate/applying/apply-migration.ts";
import type { MigrationOptions } from "../../src/migrate/applying/context.ts";
import { rollBackMigration } from "../../src/migrate/applying/roll-back.ts";
import { stackWorld } from "../../src/migrate/applying/stack-world.ts";
import type { MigrationPlan, Step } from "../../src/migrate/migration-plan.ts";
import { loadStack } from "../../src/stack/load.ts";
import { Move, planOf } from "../migrate/applying/old-installation.ts";
import { freePort } from "../support/cli.ts";

let move: Move;
let engine: Engine;
const stack = `t${crypto.randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  move = new Move();
  engine = await connectEngine({ environment: process.env, onWarning: () => undefined });
});
afterAll(async () => {
  engine.close();
  await move[Symbol.asyncDispose]();
});

test("an old installation becomes a stack that serves its old clients, and goes without a trace", async () => {
  const before = { folder: move.files(), engine: await objects() };
  const plan = await planHere();
  const options = optionsHere();

  const report = await applyMigration({ plan, source: [], stopLegacy: true }, options);

  const wanting = report.checks.filter(({ outcome }) => outcome !== "passed");
  expect(wanting).toEqual([]);
  expect(report.checks.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["database users of ai2", "token old", "alias fast", "user ada"]),
  );
  expect(report).toMatchObject({ verified: true, stopped: ["gateway.service"] });

  await rollBackMigration(move.directory, { ...options, consent: async () => true });

  expect({ folder: move.files(), engine: await objects() }).toEqual(before);
  expect([...move.tree.stopped]).toEqual([]);
});

function optionsHere(): MigrationOptions {
  const load = async (file: string) =>
    (await loadStack({ file, cwd: move.directory, environment: {} })).stack;
  const talk = { onPlan: async () => undefined, onEvent: () => undefined };
  const { signal } = new AbortController();
  const command = "nexus migrate";
  return {
    ...move.options(),
    world: stackWorld({ engine, load, version: "0.1.0", command, talk, signal }),
  };
}

async function planHere(): Promise<MigrationPlan> {
  const plan = planOf(move);
  const text = `name: ${stack}
gateway:
  port: ${await freePort()}
  observability_port: ${await freePort()}
  aliases:
    fast: db/s
services:
  db:
    image: nexus-test/scenario:1
    port: 9000
    provides: [chat]
    environment: { SCENARIO_MODELS: s }
    volumes: ["models:/root/.ollama"]
volumes:
  models: {}
`;
  return {
    ...plan,
    choices: { ...plan.choices, stack },
    text,
    aliases: [{ name: "fast", targets: ["db/s"] }],
    steps: plan.steps.map((step) => stepHere(step, text)),
  };
}

function stepHere(step: Step, text: string): Step {
  if (step.kind === "copy-models") return { ...step, volume: `${stack}_models` };
  return step.kind === "write-file" ? { ...step, text } : step;
}

/** What the engine has of the stack. */
async function objects() {
  const { containers, networks, volumes } = await engine.observe(stack, []);
  const own = volumes.filter(({ name }) => name.includes(stack));
  return [...containers, ...networks, ...own].map(({ name }) => name);
}
