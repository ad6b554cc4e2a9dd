import { homedir } from "node:os";
import { basename, dirname } from "node:path";
import type { Machine } from "../catalog/machine.ts";
import type { Engine, Observed } from "../engine/engine.ts";
import { NexusError } from "../errors.ts";
import { MigrationObstacleError } from "../migrate/applying/errors.ts";
import type { MigrationReport, RollbackReport, StartReport } from "../migrate/applying/events.ts";
import { prepareInstallation } from "../migrate/installation.ts";
import type { Inventory } from "../migrate/inventory.ts";
import type { MigrationPlan } from "../migrate/migration-plan.ts";
import { liveTree } from "../migrate/source/local.ts";
import { lookAround, placesLookedAt } from "../migrate/source/look-around.ts";
import { openSources, wordsOf } from "../migrate/source/open-sources.ts";
import { refuseMismatched } from "../migrate/migrate-flags.ts";
import type { Ancestor } from "../migrate/nexus-compose/ancestor.ts";
import { prepareMove } from "../migrate/nexus-compose/prepare-move.ts";
import {
  type Migration,
  prepareMigration,
  refuseOverwriting,
  writeMigration,
} from "../migrate/compose/migration.ts";
import { type Migrating, MigratingCommand, type MigratingFlags } from "../migrating-command.ts";
import { migratingFlags } from "../migrating-flags.ts";
import type { SharedFlags } from "../nexus-command.ts";
import {
  formatCarried,
  formatMigrationPlan,
  migrationPlanDocument,
  type MigrationPlanDocument,
} from "../terminal/migration-plan.ts";
import {
  formatMigration,
  migrationDocument,
  type MigrationDocument,
} from "../terminal/migration.ts";
import { chooseProposal, formatProposals, type ProposalsDocument } from "../terminal/proposals.ts";
import { agree, canAsk } from "../terminal/prompts.ts";
import { sayAfterASecond } from "../terminal/say-after-a-second.ts";

type InstallationFlags = MigratingFlags &
  Readonly<{
    source?: readonly string[] | undefined;
    host?: readonly string[] | undefined;
    here?: readonly string[] | undefined;
    models?: "share" | "copy" | "pull" | undefined;
    "gateway-port"?: number | undefined;
    name?: string | undefined;
    "dry-run": boolean;
  }>;

/** What is printed of an installation: with what was checked, once it was moved. */
type InstallationDocument = MigrationPlanDocument &
  Readonly<Partial<Omit<MigrationReport, "file" | "stack">>>;

/** What is printed of a project that is moved with what its gateway kept. */
type MovedDocument = MigrationDocument & Omit<InstallationDocument, keyof MigrationDocument>;

/** What is moved, how it is told, and where from. */
type Moving = Migrating & Readonly<{ inventory: Inventory; told?: string }>;

type MigrateDocument =
  | MigrationDocument
  | InstallationDocument
  | MovedDocument
  | ProposalsDocument
  | RollbackReport
  | StartReport;

type ProjectFlags = MigratingFlags &
  Readonly<{ from: "compose" | "nexus-compose" | "harbor"; "dry-run": boolean }>;

export default class Migrate extends MigratingCommand {
  static override summary = "Make a stack out of what runs already.";
  static override description =
    "For `compose`: reads the Compose files of a folder (`nexus-compose`: those of the software that Nexus follows, with its gateway's address, tokens and aliases; `harbor`: Harbor's settings), shows the stack that they become, and what is done in another way, left out or to be decided, each with its place; then writes nexus.yaml beside them. Nothing is stopped or removed: volumes of the project are taken over by the first `nexus up`. For `nexus-compose`, whose containers must be stopped, it does that `up` itself: tokens, users, API keys and what the old gateway kept go along and are checked, and --rollback takes it back. For `ai-infra`: reads this machine, a copy of hosts (--source) or hosts over ssh (--host), shows what becomes of every service, address, token, user, name, model and file, and what has to be decided; then, once that is agreed to, backs up what it needs, brings the stack up, and checks that everything arrived. Run again it goes on where it was; --rollback takes it back. Nothing there is changed or removed, and no secret is shown; old services are stopped only with --stop-legacy.";
  static override examples = [
    "<%= config.bin %> migrate",
    "<%= config.bin %> migrate --from compose --dry-run",
    "<%= config.bin %> migrate --from compose --source ~/ai/docker-compose.yml --yes",
    "<%= config.bin %> migrate --from nexus-compose --source ~/nexus --dry-run",
    "<%= config.bin %> migrate --from harbor --dry-run",
    "<%= config.bin %> migrate --from ai-infra --source ~/copies --here ai1 --here ai2 --dry-run",
    "<%= config.bin %> migrate --from ai-infra --source ~/copies --here ai1 --yes",
    "<%= config.bin %> migrate --rollback",
    "<%= config.bin %> migrate --from ai-infra --host ai1=ssh://root@ai1 --host ai2=ssh://ai2 --dry-run",
  ];
  static override flags = migratingFlags;

  async run(): Promise<MigrateDocument> {
    const { flags } = await this.parse(Migrate);
    refuseMismatched(flags);
    if (flags.rollback) return this.takeBack(flags);
    if (flags["start-legacy"]) return this.startOld(flags);
    const { from } = flags;
    if (from === undefined) return this.#propose(flags);
    return from === "ai-infra" ? this.#installation(flags) : this.#project({ ...flags, from });
  }

  /** Tells what could be migrated from this machine, and how. */
  async #propose(flags: SharedFlags): Promise<ProposalsDocument> {
    await using tree = liveTree();
    const observed = await this.#observe(flags, "");
    const from = { home: homedir(), folder: process.cwd() };
    const containers = observed?.foreign ?? [];
    const proposals = await lookAround({ tree, ...from, containers });
    const document = { proposals, looked: placesLookedAt(from) };
    this.show(formatProposals(document));
    const words = !this.jsonEnabled() && canAsk() && (await chooseProposal(proposals));
    if (words) await this.config.runCommand("migrate", [...this.argv, ...words]);
    return document;
  }

  /** Shows what becomes of an installation, and moves it once that is agreed to. */
  async #installation(flags: InstallationFlags): Promise<InstallationDocument> {
    const source = { source: flags.source?.[0], hosts: flags.host };
    const say = (words: string) => this.note(`${words} ${wordsOf(source)}…`);
    const trees = await sayAfterASecond(() => say("Opening"), openSources(source));
    try {
      const around = await this.#around(flags);
      const wish = { ...flags, here: flags.here ?? [], gatewayPort: flags["gateway-port"] };
      const prepared = prepareInstallation(trees, wish, around);
      const { inventory, plan } = await sayAfterASecond(() => say("Reading"), prepared);
      return await this.#move(flags, { plan, inventory, trees, source });
    } finally {
      for (const tree of trees) await tree[Symbol.asyncDispose]();
    }
  }

  /** Tells the plan and carries it out, unless it is only to be shown. */
  async #move(flags: InstallationFlags, moving: Moving): Promise<InstallationDocument> {
    const { plan, inventory, trees, source } = moving;
    const begun = await this.begunPlan(flags);
    if (flags["dry-run"]) return this.#shown(moving, begun !== undefined);
    const document = migrationPlanDocument(begun ?? plan, inventory, false);
    if (!begun) this.#tell(moving);
    if (!begun && !(await this.#agreed(plan, flags))) return document;
    const report = await this.carryOut(flags, { plan, trees, source });
    const { checks, verified, stopped, keepStopped } = report;
    return { ...document, applied: true, checks, verified, stopped, keepStopped };
  }

  #tell({ plan, inventory, told = formatMigrationPlan(plan, inventory) }: Moving): void {
    this.log(told);
  }

  #shown(moving: Moving, begun: boolean): MigrationPlanDocument {
    this.#tell(moving);
    if (begun)
      this.note(
        "A migration into this folder has begun, and this plan is made anew, with what it made in the way. Without --dry-run it goes on; `nexus migrate --rollback` takes it back.",
      );
    return migrationPlanDocument(moving.plan, moving.inventory, false);
  }

  async #agreed({ file, obstacles }: MigrationPlan, flags: InstallationFlags): Promise<boolean> {
    if (obstacles.length > 0) throw new MigrationObstacleError(obstacles);
    const stops = flags["stop-legacy"] ? ", then stop the old services" : "";
    const message = `Migrate into ${dirname(file)}${stops}?`;
    return agree({ message, flag: "--yes", yes: flags.yes });
  }

  /** The engine and its machine; neither where none can be asked, for an installation can be read without. */
  async #around(flags: SharedFlags): Promise<Readonly<{ engine?: Engine; machine?: Machine }>> {
    const machine = await this.knownMachine(flags);
    return machine ? { machine, engine: await this.connect(flags) } : {};
  }

  /** Makes a stack file out of a project, once that is agreed to. */
  async #project(flags: ProjectFlags): Promise<MigrationDocument> {
    const migration = await prepareMigration(flags, process.env, (name) =>
      this.#observe(flags, name),
    );
    const { ancestor } = migration;
    if (ancestor) return this.#ancestor(flags, migration, ancestor);
    this.log(formatMigration(migration));
    if (flags["dry-run"]) return migrationDocument(migration, false);
    await refuseOverwriting(migration);
    const name = basename(migration.file);
    const message = `Write ${name}?`;
    if (!(await agree({ message, flag: "--yes", yes: flags.yes })))
      return migrationDocument(migration, false);
    await writeMigration(migration);
    this.note(`Wrote ${migration.file}. Next: look at it, then run \`nexus plan\`.`);
    return migrationDocument(migration, true);
  }

  /** Moves a project of the ancestor's with what its gateway kept. */
  async #ancestor(
    flags: ProjectFlags,
    migration: Migration,
    ancestor: Ancestor,
  ): Promise<MovedDocument> {
    const engine = migration.inventory && (await this.connect(flags));
    const move = await prepareMove(migration, ancestor, engine);
    try {
      const told = [formatMigration(migration), formatCarried(move.plan)].join("\n\n").trimEnd();
      const source = { source: dirname(migration.file) };
      const placed = { ...flags, source: undefined, output: migration.file };
      const document = await this.#move(placed, { ...move, told, source });
      return { ...document, ...migrationDocument(migration, document.applied) };
    } finally {
      for (const tree of move.trees) await tree[Symbol.asyncDispose]();
    }
  }

  /** What the engine has; undefined where none can be asked, for a project can be read without. */
  async #observe(flags: SharedFlags, name: string): Promise<Observed | undefined> {
    try {
      const engine = await this.connect(flags);
      return await engine.observe(name, []);
    } catch (error) {
      if (error instanceof NexusError) return undefined;
      throw error;
    }
  }
}
