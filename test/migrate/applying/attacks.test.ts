/** Moments and files that a migration must not stumble over. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { applyMigration } from "../../../src/migrate/applying/apply-migration.ts";
import { JournalUnreadableError } from "../../../src/migrate/applying/errors.ts";
import { migrationPaths } from "../../../src/migrate/applying/paths.ts";
import { rollBackMigration } from "../../../src/migrate/applying/roll-back.ts";
import { keyDigest } from "../../../src/gateway/protocol.ts";
import type { MigrationPlan } from "../../../src/migrate/migration-plan.ts";
import { migrate, rollBack } from "./lives.ts";
import { Move, planOf } from "./old-installation.ts";

test("a secret that somebody wrote while the stack did not come up is theirs when it is taken back", async () => {
  await using move = new Move();
  const { world, ...options } = move.options();
  const failing = async () => {
    throw new Error("not up");
  };
  const request = { plan: planOf(move), source: ["ai2"], stopLegacy: false };
  const life = applyMigration(request, { ...options, world: { ...world, bringUp: failing } });
  await expect(life).rejects.toThrow("not up");
  writeFileSync(join(move.directory, ".nexus/secrets/mine"), "my own", { mode: 0o600 });
  const consent = async () => true;
  await rollBackMigration(move.directory, { ...move.options(), consent });
  expect(move.files()).toMatchObject({ ".nexus/secrets/mine": "600 my own" });
});

test("a backup whose journal is lost is not swept away", async () => {
  await using move = new Move();
  await migrate(move);
  rmSync(migrationPaths(move.directory).journal);
  await expect(rollBack(move)).rejects.toThrow(JournalUnreadableError);
  expect(move.files()).toHaveProperty([".nexus/migration/staged/ai2/data/users.sqlite"]);
});

test.each([
  ["/etc/systemd/system/invokeai.service", '[Service]\nEnvironment="HF_TOKEN=hf_2" A=b\n'],
  [
    "/Library/LaunchDaemons/com.x.plist",
    "<plist><dict><key>Label</key><string>com.x</string><key>EnvironmentVariables</key><dict><key>HF_TOKEN</key><string>hf_2</string></dict></dict></plist>",
  ],
])("a secret is read where it stands, in %s", async (file, text) => {
  await using move = new Move();
  const path = join(move.tree.root, file);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  const plan = planOf(move);
  const steps = plan.steps.map((step) => (step.kind === "write-secret" ? { ...step, file } : step));
  await applyMigration(
    { plan: { ...plan, steps }, source: ["ai2"], stopLegacy: false },
    move.options(),
  );
  expect(move.files()[".nexus/secrets/hf"]).toBe("600 hf_2");
});

test.each(["GATEWAY_BEARER_TOKEN=b2xkLXRva2Vu==", "GATEWAY_BEARER_TOKENS='a=b,b2xkLXRva2Vu=='"])(
  "an old token is tried though it has equals signs in it: %s",
  async (line) => {
    await using move = new Move();
    writeFileSync(join(move.tree.root, "var/lib/gateway/app/.env"), `${line}\nHF_TOKEN=hf_1\n`);
    const digest = keyDigest("b2xkLXRva2Vu==");
    const { checks } = await applyMigration(
      { plan: withDigest(planOf(move), digest), source: ["ai2"], stopLegacy: false },
      move.options(),
    );
    // The stand-in of the gateway knows another token, and says so: it was asked.
    expect(checks.find(({ id }) => id === "token old")).toMatchObject({ outcome: "failed" });
  },
);

function withDigest(plan: MigrationPlan, digest: string): MigrationPlan {
  const keys = plan.keys.map((key) => ({ ...key, record: { ...key.record, digest } }));
  const steps = plan.steps.map((step) => (step.kind === "add-keys" ? { ...step, keys } : step));
  return { ...plan, keys, steps };
}

test("a user whose row lacks what came later, or has a date that is none, keeps nobody out", async () => {
  await using move = new Move();
  move.sql(
    "ALTER TABLE users ADD COLUMN admin INTEGER",
    `INSERT INTO users VALUES (2, 'brian', '${"a".repeat(64)}', '${"b".repeat(32)}', 1e300, 0, NULL, NULL)`,
    "INSERT INTO users VALUES (3, NULL, NULL, x'00', NULL, 0, 0, 0)",
  );
  expect(await migrate(move)).toMatchObject({ verified: true });
  expect(move.engine.users.map(({ name, admin }) => [name, admin])).toEqual([
    ["ada", false],
    ["brian", false],
  ]);
});

test("nobody administers here who did not when the plan was agreed to", async () => {
  await using move = new Move();
  move.sql("ALTER TABLE users ADD COLUMN admin INTEGER", "UPDATE users SET admin = 1");
  await migrate(move);
  expect(move.engine.users).toMatchObject([{ name: "ada", admin: false }]);
});

test("links in a store of models that lead back have an end", async () => {
  await using move = new Move();
  const store = join(move.tree.root, "var/lib/ollama/models");
  for (const name of ["a", "b", "c"]) symlinkSync("..", join(store, "blobs", name));
  await migrate(move);
  const copied = [...(move.engine.world.volumes.get("home_models")?.files.keys() ?? [])];
  expect(copied.length).toBeLessThan(500);
}, 10_000);
