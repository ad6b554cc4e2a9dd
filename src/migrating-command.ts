/** The base of the command that carries a migration out: the engine, the story of it, and the way back. */
import { dirname, resolve } from "node:path";
import type { MigrationOptions, StackWorld } from "./migrate/applying/context.ts";
import type { MigrationReport, RollbackReport, StartReport } from "./migrate/applying/events.ts";
import type { MigrationState } from "./migrate/applying/record.ts";
import type { MigrationPlan } from "./migrate/migration-plan.ts";
import type { SourceFlags } from "./migrate/source/open-sources.ts";
import type { SourceTree } from "./migrate/source/tree.ts";
import { exitCodes } from "./errors.ts";
import { NexusCommand, type SharedFlags } from "./nexus-command.ts";
import type { Stack } from "./stack/stack.ts";

/** The flags that carrying out looks at. */
export type MigratingFlags = SharedFlags &
  Readonly<{
    source?: readonly string[] | undefined;
    host?: readonly string[] | undefined;
    output?: string | undefined;
    yes: boolean;
    "stop-legacy": boolean;
  }>;

/** What is carried out, and where from. */
export type Migrating = Readonly<{
  plan: MigrationPlan;
  trees: readonly SourceTree[];
  source: SourceFlags;
}>;

export abstract class MigratingCommand extends NexusCommand {
  /** The plan of the migration into the folder of the stack file, once it has begun, finished or not. */
  protected async begunPlan(flags: MigratingFlags): Promise<MigrationPlan | undefined> {
    const state = await recordIn(folderOf(flags));
    return state.state === "none" ? undefined : state.plan;
  }

  /** Migrates, and sets the exit code that the checks stand for. */
  protected async carryOut(
    flags: MigratingFlags,
    { plan, trees, source }: Migrating,
  ): Promise<MigrationReport> {
    const [{ applyMigration }, { formatMigrationReport }, { themeOf }] = await Promise.all([
      import("./migrate/applying/apply-migration.ts"),
      import("./terminal/migration-report.ts"),
      import("./terminal/theme.ts"),
    ]);
    const { "stop-legacy": stopLegacy } = flags;
    const request = { plan, source: sourceWords(source), stopLegacy };
    const report = await applyMigration(request, await this.#options(flags, trees));
    if (!report.verified) this.leaveWith(exitCodes.notReady);
    this.note(formatMigrationReport(report, await themeOf(process.stderr)));
    return report;
  }

  /** Takes the migration into the folder back, once that is agreed to. */
  protected async takeBack(flags: MigratingFlags): Promise<RollbackReport> {
    const [{ rollBackMigration }, { agree }, { formatStarted }] = await Promise.all([
      import("./migrate/applying/roll-back.ts"),
      import("./terminal/prompts.ts"),
      import("./terminal/migration-report.ts"),
    ]);
    const { yes } = flags;
    const consent = (losses: readonly string[]) =>
      agree({ message: `This removes ${losses.join(", ")}. Go on?`, flag: "--yes", yes });
    const report = await withOldHosts(flags, async (trees) =>
      rollBackMigration(folderOf(flags), { ...(await this.#options(flags, trees)), consent }),
    );
    for (const line of formatStarted(report)) this.note(line);
    this.note(
      report.kept.length === 0
        ? `Taken back: ${folderOf(flags)} is as it was before the migration.`
        : "Taken back, but for what was changed since.",
    );
    return report;
  }

  /** Starts the services of the old installation that the migration stopped. */
  protected async startOld(flags: MigratingFlags): Promise<StartReport> {
    const [{ startLegacy }, { realDisk: disk }, { formatStarted }] = await Promise.all([
      import("./migrate/applying/legacy.ts"),
      import("./migrate/applying/disk.ts"),
      import("./terminal/migration-report.ts"),
    ]);
    const report = await withOldHosts(flags, (trees) =>
      startLegacy(folderOf(flags), { disk, trees }),
    );
    for (const line of formatStarted(report)) this.note(line);
    if (report.started.length === 0) this.note("No old service was stopped by this migration.");
    return report;
  }

  async #options(flags: MigratingFlags, trees: readonly SourceTree[]): Promise<MigrationOptions> {
    const [{ realDisk }, { migrationLines }, { themeOf }, { interruption }] = await Promise.all([
      import("./migrate/applying/disk.ts"),
      import("./terminal/migration-progress.ts"),
      import("./terminal/theme.ts"),
      import("./terminal/change.ts"),
    ]);
    const signal = interruption();
    const line = migrationLines(await themeOf(process.stderr));
    return {
      world: await this.#world(flags, signal),
      trees,
      disk: realDisk,
      signal,
      onEvent: (event) => {
        const text = line(event, performance.now());
        if (text !== undefined) this.note(text);
      },
    };
  }

  async #world(flags: SharedFlags, signal: AbortSignal): Promise<StackWorld> {
    const [{ stackWorld }, { talkAboutChange }] = await Promise.all([
      import("./migrate/applying/stack-world.ts"),
      import("./terminal/change.ts"),
    ]);
    const talk = talkAboutChange({ yes: true, json: this.jsonEnabled() });
    const read = new Map<string, Promise<Stack>>();
    const world = stackWorld({
      engine: await this.connect(flags),
      version: this.config.version,
      command: "nexus migrate",
      talk,
      signal,
      load: (file) => {
        const stack = read.get(file) ?? this.#read(flags, file);
        read.set(file, stack);
        return stack;
      },
    });
    return {
      ...world,
      bringUp: (stack) => talk.during(world.bringUp(stack)),
      takeDown: (stack, volumes) => talk.during(world.takeDown(stack, volumes)),
    };
  }

  async #read(flags: SharedFlags, file: string): Promise<Stack> {
    return (await this.loadStack({ ...flags, file })).stack;
  }
}

/** Opens the old hosts as the migration was told of them, unless this command is told otherwise: a host that is gone is missed only where it is needed. */
async function withOldHosts<Result>(
  flags: MigratingFlags,
  use: (trees: readonly SourceTree[]) => Promise<Result>,
): Promise<Result> {
  const { openSources } = await import("./migrate/source/open-sources.ts");
  const told = flags.source !== undefined || flags.host !== undefined;
  const trees = await (told
    ? openSources({ source: flags.source?.[0], hosts: flags.host })
    : openSources(sourceFrom(await recordIn(folderOf(flags)))).catch(() => []));
  try {
    return await use(trees);
  } finally {
    for (const tree of trees) await tree[Symbol.asyncDispose]();
  }
}

async function recordIn(folder: string): Promise<MigrationState> {
  const [{ findMigration }, { realDisk }] = await Promise.all([
    import("./migrate/applying/record.ts"),
    import("./migrate/applying/disk.ts"),
  ]);
  return findMigration(folder, realDisk);
}

function folderOf({ output }: MigratingFlags): string {
  return dirname(resolve(output ?? "nexus.yaml"));
}

/** Where an installation is read from, as the migration's record keeps it. */
function sourceWords({ source, hosts = [] }: SourceFlags): readonly string[] {
  return [
    ...(source === undefined ? [] : [`source ${resolve(source)}`]),
    ...hosts.map((host) => `host ${host}`),
  ];
}

function sourceFrom(state: MigrationState): SourceFlags {
  const words = state.state === "none" ? [] : state.source;
  const of = (kind: string) =>
    words.flatMap((word) => (word.startsWith(`${kind} `) ? word.slice(kind.length + 1) : []));
  const [source] = of("source");
  return { ...(source !== undefined && { source }), hosts: of("host") };
}
