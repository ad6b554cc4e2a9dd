/** A plan as a person reads it: what, on what, why and at what cost. */
import { gatewayName } from "./names.ts";
import type { Action, ActionKind, Cost, Plan } from "./plan.ts";

export type FormatOptions = Readonly<{
  /** Also names the actions that each one waits for. */
  verbose?: boolean;
}>;

/** One line per action, grouped by service and aligned, then warnings and a summary. No colours, no trailing newline. */
export function formatPlan(plan: Plan, options: FormatOptions = {}): string {
  const blocks = [
    ...groups(plan, options),
    plan.warnings.map((warning) => `! ${warning}`).join("\n"),
  ];
  return [...blocks.filter((block) => block !== ""), summary(plan)].join("\n\n");
}

/** The plan in one line: `2 to create, 1 to replace (≈ 1 service down meanwhile), 3 unchanged; pulls 1 image`. */
export function summary(plan: Plan): string {
  const { actions, unchanged } = plan;
  if (actions.length === 0)
    return `Nothing to change: ${counted(unchanged.length, "service")} as wanted.`;
  const changes = [
    ...changeCounts(plan),
    ...(unchanged.length > 0 ? [`${unchanged.length} unchanged`] : []),
  ];
  return [changes.join(", "), ...extras(actions)].filter((part) => part !== "").join("; ");
}

const sharedTitle = "shared";

function groups({ actions }: Plan, options: FormatOptions): readonly string[] {
  const width = Math.max(...actions.map(({ kind }) => kind.length), 0);
  const subjectWidth = Math.max(...actions.map((action) => subjectOf(action).length), 0);
  const line = (action: Action) =>
    `  ${action.kind.padEnd(width)}  ${subjectOf(action).padEnd(subjectWidth)}  ${reasonOf(action)}${waitsOf(action, options)}`;
  const sharedFirst = actions.toSorted((a, b) => place(a) - place(b));
  const byService = Map.groupBy(sharedFirst, ({ service }) => service ?? sharedTitle);
  return [...byService].map(([service, own]) => [service, ...own.map(line)].join("\n"));
}

/** What all share comes first, then the gateway, then the services in the order of the plan. */
function place({ service }: Action): number {
  if (service === undefined) return 0;
  return service === gatewayName ? 1 : 2;
}

function reasonOf({ because, cost }: Action): string {
  const costs = cost ? costWords(cost) : [];
  return costs.length === 0 ? because : `${because} (${costs.join(", ")})`;
}

function waitsOf({ after }: Action, { verbose = false }: FormatOptions): string {
  return verbose && after.length > 0 ? ` [after ${after.join(", ")}]` : "";
}

function costWords({ downtime, cutsStreams, pullBytes, destroys }: Cost): readonly string[] {
  return [
    ...(downtime ? ["down meanwhile"] : []),
    ...(cutsStreams ? ["cuts open streams"] : []),
    ...(pullBytes === undefined
      ? []
      : [pullBytes === 0 ? "downloads" : `downloads ${megabytes(pullBytes)}`]),
    ...(destroys === undefined ? [] : [`DESTROYS ${destroys}`]),
  ];
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

type Subjects = {
  readonly [Kind in ActionKind]: (action: Extract<Action, { kind: Kind }>) => string;
};

const subjects: Subjects = {
  pull: ({ image }) => image,
  build: ({ image }) => image,
  "build-gateway": ({ image }) => image,
  "create-network": ({ network }) => network.name,
  "create-volume": ({ volume }) => volume.name,
  "seed-secrets": ({ volume }) => volume,
  create: ({ container }) => container.name,
  connect: ({ container, network }) => `${container} to ${network}`,
  start: ({ container }) => container,
  await: ({ container, service, target }) =>
    `${container ?? service ?? ""} until ${target.oneShot ? "completed" : target.level}`,
  "pull-model": ({ model }) => model,
  configure: ({ config }) => counted(config.upstreams.length, "upstream"),
  "create-key": ({ name }) => `.nexus/secrets/${name}.key`,
  "grant-key": ({ name }) => `.nexus/secrets/${name}.key`,
  switch: ({ upstream }) => `to ${upstream.url}`,
  drain: ({ url }) => url,
  update: ({ container, limits }) => `${limits ? "limits" : "restart policy"} of ${container}`,
  stop: ({ container }) => container,
  remove: ({ container }) => container,
  "remove-network": ({ network }) => network,
  "remove-volume": ({ volume }) => volume,
};

function subjectOf(action: Action): string {
  const subject = subjects[action.kind] as (action: Action) => string;
  return subject(action);
}

const changes = [
  "to create",
  "to replace",
  "to start",
  "to restart",
  "to change in place",
  "to wait for",
  "to remove",
] as const;
type Change = (typeof changes)[number];

function changeCounts({ actions }: Plan): readonly string[] {
  const byService = Map.groupBy(
    actions.filter(({ service }) => service !== undefined),
    ({ service }) => service,
  );
  const found = [...byService.values()].map((own) => ({
    change: changeOf(own),
    down: own.some(({ cost }) => cost?.downtime),
  }));
  return changes.flatMap((change) => {
    const same = found.filter((each) => each.change === change);
    const down = same.filter((each) => each.down).length;
    return same.length === 0
      ? []
      : [
          `${same.length} ${change}${down > 0 ? ` (≈ ${counted(down, "service")} down meanwhile)` : ""}`,
        ];
  });
}

function changeOf(actions: readonly Action[]): Change | undefined {
  const kinds = new Set(actions.map(({ kind }) => kind));
  if (kinds.has("create")) return kinds.has("remove") ? "to replace" : "to create";
  if (kinds.has("start")) return isRestart(kinds) ? "to restart" : "to start";
  if (kinds.has("await")) return isTended(kinds) ? "to change in place" : "to wait for";
  if (kinds.has("remove")) return "to remove";
  return isTended(kinds) ? "to change in place" : undefined;
}

function isRestart(kinds: ReadonlySet<ActionKind>): boolean {
  return kinds.has("stop") && !kinds.has("remove");
}

function isTended(kinds: ReadonlySet<ActionKind>): boolean {
  return kinds.has("update") || kinds.has("connect");
}

function extras(actions: readonly Action[]): readonly string[] {
  const count = (kind: ActionKind) => actions.filter((action) => action.kind === kind).length;
  const [pulls, builds, models] = [
    count("pull"),
    count("build") + count("build-gateway"),
    count("pull-model"),
  ];
  const losses = actions.flatMap(({ cost }) => cost?.destroys ?? []);
  return [
    ...(pulls > 0 ? [`pulls ${counted(pulls, "image")}`] : []),
    ...(builds > 0 ? [`builds ${counted(builds, "image")}`] : []),
    ...(count("configure") > 0 && !makesGateway(actions) ? ["configures the gateway"] : []),
    ...(models > 0 ? [`fetches ${counted(models, "model")}`] : []),
    ...(losses.length > 0 ? [`DESTROYS ${losses.join(", ")}`] : []),
  ];
}

/** A gateway that is made is configured as a matter of course. */
function makesGateway(actions: readonly Action[]): boolean {
  return actions.some(({ kind, service }) => kind === "create" && service === gatewayName);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
