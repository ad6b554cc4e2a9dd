import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { InterruptedError } from "../../../src/apply/errors.ts";
import { applyMigration } from "../../../src/migrate/applying/apply-migration.ts";
import {
  InTheWayError,
  MigrationRunningError,
  NoMigrationError,
  OtherMigrationError,
} from "../../../src/migrate/applying/errors.ts";
import { Journal } from "../../../src/migrate/applying/journal.ts";
import { startLegacy } from "../../../src/migrate/applying/legacy.ts";
import { withMigrationLock } from "../../../src/migrate/applying/lock.ts";
import { migrationPaths } from "../../../src/migrate/applying/paths.ts";
import { LegacyServiceError } from "../../../src/migrate/source/errors.ts";
import { rollBackMigration } from "../../../src/migrate/applying/roll-back.ts";
import { verifyMigration } from "../../../src/migrate/applying/verify/verify.ts";
import type { MigrationPlan } from "../../../src/migrate/migration-plan.ts";
import { everything, migrate, rollBack } from "./lives.ts";
import { Move, planOf } from "./old-installation.ts";

describe("applying a migration", () => {
  it("leaves data, tokens and users in the stack, and a list of what is carried", async () => {
    await using move = new Move();
    const report = await migrate(move);
    const volume = move.engine.world.volumes.get("home-gateway");
    expect(report.checks.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      "database users of ai2 passed",
      "images of ai2: /var/lib/gateway/data/ui_images passed",
      "key old passed",
      "user ada passed",
      "token old passed",
      "alias fast passed",
    ]);
    expect(report).toMatchObject({ verified: true, stopped: ["gateway.service"] });
    expect(report.keepStopped).toEqual([
      { host: "ai2", command: "sudo systemctl disable gateway.service" },
    ]);
    expect(JSON.parse(volume?.files.get("/carried/carried.json") ?? "")).toMatchObject({
      what: [{ what: "users", host: "ai2", state: "active" }],
      files: [
        { path: "ai2/data/users.sqlite" },
        { path: "ai2/data/ui_images/deep/two.png", bytes: 3 },
        { path: "ai2/data/ui_images/one.png", bytes: 5 },
      ],
    });
    expect(move.engine.users).toMatchObject([{ name: "ada", password: { iterations: 120_000 } }]);
    expect(move.files()[".nexus/secrets/hf"]).toBe("600 hf_1");
  });

  it("changes nothing when it was finished, but looks again", async () => {
    await using move = new Move();
    await migrate(move);
    const { engine } = everything(move);
    expect(await migrate(move)).toMatchObject({ finishedBefore: true, verified: true });
    expect(everything(move).engine).toEqual(engine);
  });

  it("does not copy the name of a model of which a part is lost, so that it is fetched anew", async () => {
    await using move = new Move();
    const models = [{ name: "registry/library/llama:3b", bytes: 7, complete: false }];
    const plan = planOf(move);
    const steps = plan.steps.map((step) =>
      step.kind === "copy-models" ? { ...step, store: { ...step.store, models } } : step,
    );
    const request = { plan: { ...plan, steps }, source: ["ai2"], stopLegacy: false };
    await applyMigration(request, move.options());
    const copied = [...(move.engine.world.volumes.get("home_models")?.files.keys() ?? [])];
    expect(copied.filter((path) => path.includes("manifests/"))).toEqual([]);
    expect(copied.filter((path) => path.includes("/blobs/"))).toHaveLength(1);
  });

  it("refuses to overwrite a file, and writes nothing", async () => {
    await using move = new Move();
    await writeFile(join(move.directory, "nexus.yaml"), "mine");
    await expect(migrate(move)).rejects.toThrow(InTheWayError);
    expect(move.files()["nexus.yaml"]).toBe("644 mine");
    await rollBack(move);
    expect(Object.keys(move.files())).toEqual([".gitignore", "nexus.yaml", "notes.txt"]);
  });

  it("refuses a volume of the stack that is there already, before it writes anything", async () => {
    await using move = new Move();
    await move.engine.volumes.create({ name: "home_x", stack: "home", driverOpts: {}, labels: {} });
    const before = everything(move);
    await expect(migrate(move)).rejects.toThrow(InTheWayError);
    expect(everything(move)).toEqual(before);
  });

  it("is refused with other flags than the first time", async () => {
    await using move = new Move();
    await migrate(move);
    const plan = planOf(move);
    const other = { ...plan, choices: { ...plan.choices, models: "pull" as const } };
    const request = { plan: other, source: ["ai3"], stopLegacy: false };
    await expect(applyMigration(request, move.options())).rejects.toThrow(OtherMigrationError);
    await expect(applyMigration(request, move.options())).rejects.toThrow("the source, --models");
  });

  it("waits for nobody: a second one at once is refused", async () => {
    await using move = new Move();
    await migrate(move);
    const second = withMigrationLock(migrationPaths(move.directory), () => migrate(move));
    await expect(second).rejects.toThrow(MigrationRunningError);
  });

  it("leaves the old services alone unless they are to be stopped, and starts them again", async () => {
    await using move = new Move();
    const request = { plan: planOf(move), source: ["ai2"], stopLegacy: false };
    await applyMigration(request, move.options());
    expect([...move.tree.stopped]).toEqual([]);
    await migrate(move);
    expect([...move.tree.stopped]).toEqual(["gateway.service"]);
    expect(await startLegacy(move.directory, move.options())).toEqual({
      started: ["gateway.service"],
      letStart: [{ host: "ai2", command: "sudo systemctl enable gateway.service" }],
    });
    expect([...move.tree.stopped]).toEqual([]);
  });

  it("does not stop the old services when something did not arrive", async () => {
    await using move = new Move();
    const plan = { ...planOf(move), users: [{ name: "bob", admin: false, disabled: false }] };
    const request = { plan, source: ["ai2"], stopLegacy: true };
    const report = await applyMigration(request, move.options());
    expect(report).toMatchObject({ verified: false, stopped: [], finishedBefore: false });
    expect([...move.tree.stopped]).toEqual([]);
  });

  it("finds what was changed in the gateway's volume, and names of models that do not answer", async () => {
    await using move = new Move();
    await migrate(move);
    const volume = move.engine.world.volumes.get("home-gateway");
    volume?.files.set("/carried/ai2/data/ui_images/one.png", "other");
    const targets = ["db/llama:3b"];
    const aliases = ["fast", "broken", "gone"].map((name) => ({ name, targets }));
    const { checks } = await verifyAgain(move, { ...planOf(move), aliases });
    const failed = checks.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(({ id }) => id)).toEqual([
      "images of ai2: /var/lib/gateway/data/ui_images",
      "alias broken",
      "alias gone",
    ]);
  });

  it("says how many rows of each table are in the gateway's volume, and how many embeddings", async () => {
    await using move = new Move();
    move.sql(
      "CREATE TABLE memory (id TEXT, emb BLOB, dim INTEGER)",
      "INSERT INTO memory VALUES ('a', x'00', 768), ('b', x'01', 768), ('c', x'02', 1024)",
    );
    const { checks } = await migrate(move);
    expect(checks[0]).toMatchObject({
      id: "database users of ai2",
      outcome: "passed",
      detail:
        "3 rows of memory, 1 of users; 3 embeddings (2 of dimension 768, 1 of dimension 1024): equal by count and checksum",
    });
  });

  it("finds a database that is not what the source had when it was backed up", async () => {
    await using move = new Move();
    await migrate(move);
    const file = join(migrationPaths(move.directory).staged, "ai2/data/users.sqlite");
    const volume = move.engine.world.volumes.get("home-gateway");
    using database = new DatabaseSync(file);
    database.exec("UPDATE users SET disabled = 1");
    const path = "/carried/ai2/data/users.sqlite";
    volume?.files.set(path, (await readFile(file)).toString("latin1"));
    const { checks } = await verifyAgain(move, planOf(move));
    const failed = checks.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(({ detail }) => detail)).toEqual([
      "Not as it was backed up: rows of users differ",
    ]);
  });

  it("adds the users who can be users here, and does not stumble over the others", async () => {
    await using move = new Move();
    const [hash, salt] = ["c".repeat(64), "D".repeat(32)];
    const person = (name: string) => `('${name}', '${hash}', '${salt}', 1700000000, 0, 0)`;
    const names = ["ADA", "no/name", "brian"].map(person).join(", ");
    move.sql(
      `INSERT INTO users (username, password_hash, password_salt, created_ts, updated_ts, disabled) VALUES ${names}, ('broken', 'x', 'y', 0, 0, 0)`,
    );
    expect(await migrate(move)).toMatchObject({ verified: true });
    expect(move.engine.users.map(({ name }) => name)).toEqual(["ada", "brian"]);
    expect(move.engine.users[0]?.password.hash).toBe("a".repeat(64));
  });

  it("says which checks were not done when the old settings cannot be read any more, and how to do them", async () => {
    await using move = new Move();
    await migrate(move);
    const request = { plan: planOf(move), source: ["ai2"], stopLegacy: false };
    const { checks, verified } = await applyMigration(request, { ...move.options(), trees: [] });
    const skipped = checks.filter(({ outcome }) => outcome === "skipped");
    expect(skipped.map(({ id }) => id)).toEqual(["token old", "alias fast"]);
    expect(skipped[0]?.remedy).toContain("/v1/models must answer with status 200");
    expect(verified).toBe(true);
  });

  it("ends between two models when it is interrupted, and goes on from there", async () => {
    await using move = new Move();
    const interruption = new AbortController();
    const request = { plan: planOf(move), source: ["ai2"], stopLegacy: true };
    const interrupted = applyMigration(request, {
      ...move.options(),
      signal: interruption.signal,
      onEvent: (event) => {
        if (event.kind === "progress" && event.step.id === "models") interruption.abort();
      },
    });
    await expect(interrupted).rejects.toThrow(InterruptedError);
    expect(await migrate(move)).toMatchObject({ verified: true });
    const fetched = move.engine.writes.filter((call) => call.includes("home_models-carrier /root"));
    expect(fetched).toHaveLength(2);
  });

  it("keeps no secret in its plan and journal", async () => {
    await using move = new Move();
    await migrate(move);
    const { journal, plan } = migrationPaths(move.directory);
    const texts = await Promise.all([journal, plan].map((file) => readFile(file, "utf8")));
    expect(texts.join("")).not.toMatch(/old-token|hf_1/);
  });
});

/** Verifies another plan than the one that was carried out. */
async function verifyAgain(move: Move, plan: MigrationPlan) {
  const options = move.options();
  const paths = migrationPaths(move.directory);
  const journal = await Journal.look(paths.journal, options.disk);
  return { checks: await verifyMigration({ ...options, plan, paths, journal }) };
}

describe("taking a migration back", () => {
  it("does not start what could not be stopped, and is not kept from going on by it", async () => {
    await using move = new Move();
    const refusal = new LegacyServiceError({ host: "ai2", unit: "x", to: "stopped", why: "no" });
    move.tree.switch = async () => Promise.reject(refusal);
    await expect(migrate(move)).rejects.toThrow(refusal);
    await rollBack(move);
    expect(Object.keys(move.files())).toEqual([".gitignore", "notes.txt"]);
  });

  it("keeps a file that somebody changed, and says so", async () => {
    await using move = new Move();
    await migrate(move);
    const file = join(move.directory, "nexus.yaml");
    await appendFile(file, "# mine\n");
    const consent = async () => true;
    const report = await rollBackMigration(move.directory, { ...move.options(), consent });
    expect(report.kept).toEqual([`${file} was changed since and is kept`]);
    expect(Object.keys(move.files())).toEqual([".gitignore", "nexus.yaml", "notes.txt"]);
  });

  it("does nothing unless that is agreed to, for what was made since would be lost", async () => {
    await using move = new Move();
    await migrate(move);
    const before = everything(move);
    const consent = async () => false;
    const refused = rollBackMigration(move.directory, { ...move.options(), consent });
    await expect(refused).rejects.toThrow("the stack home with everything");
    expect(everything(move)).toEqual(before);
  });

  it("says where there is nothing to take back", async () => {
    await using move = new Move();
    await expect(rollBack(move)).rejects.toThrow(NoMigrationError);
  });
});
