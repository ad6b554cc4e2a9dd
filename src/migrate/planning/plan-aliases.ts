/** The names that old clients use, as aliases of the gateway. Pure. */
import type { FoundAlias } from "../inventory.ts";
import type { Decision, MigrationPlan } from "../migration-plan.ts";
import { backendService } from "./backends.ts";
import { compatibleNames } from "./compatible-names.ts";
import { isAliasName, type PlannedAlias, servicesIn } from "./planned-alias.ts";
import type { Placed } from "./placed.ts";
import { holds, isModelName, isOffered } from "./model-names.ts";
import { storeOf } from "./plan-models.ts";
import type { Scene } from "./scene.ts";

/** Aliases, those that lead nowhere, and the models that services must have for them. */
export type AliasesPart = Readonly<{
  aliases: readonly PlannedAlias[];
  leftOut: MigrationPlan["aliasesLeftOut"];
  wanted: ReadonlyMap<string, readonly string[]>;
  decisions: readonly Decision[];
}>;

/** Works it out. */
export function planAliases(placed: readonly Placed[], scene: Scene): AliasesPart {
  const tried = scene.inventory.aliases.map((found) => tryAlias(found, placed, scene));
  const own = lastOfEach(tried.flatMap(({ alias }) => alias ?? []));
  const aliases = [...own, ...compatibleNames(own, placed, scene)];
  const leftOut = tried.flatMap(({ leftOut: each }) => each ?? []);
  return {
    aliases,
    leftOut,
    wanted: wantedModels(aliases),
    decisions: nowhereDecision(leftOut),
  };
}

/** Why is told with each name. */
function nowhereDecision(leftOut: AliasesPart["leftOut"]): readonly Decision[] {
  if (leftOut.length === 0) return [];
  const names = leftOut.map(({ name }) => name).join(", ");
  return [
    {
      id: "aliases",
      question: `Where shall requests for ${names} go, which lead nowhere any more?`,
      assumed: "nowhere: they are answered with 404",
      otherwise: "write these names under `gateway.aliases` of the stack file",
    },
  ];
}

type Tried = Readonly<{ alias?: PlannedAlias; leftOut?: AliasesPart["leftOut"][number] }>;

function tryAlias(found: FoundAlias, placed: readonly Placed[], scene: Scene): Tried {
  const { name, at, backend, model } = found;
  const target = backendService(backend, placed, scene);
  const because = whyLeftOut(found, target, { placed, scene });
  const service = target?.planned.name;
  if (because !== undefined || service === undefined)
    return {
      leftOut: { name, at, because: because ?? `the backend ${backend} is nowhere` },
    };
  return { alias: { name, service, model, at, more: capsOf(found) } };
}

function whyLeftOut(
  { name, backend, model }: FoundAlias,
  target: Placed | undefined,
  { placed, scene }: Readonly<{ placed: readonly Placed[]; scene: Scene }>,
): string | undefined {
  if (!target) return `there is no backend ${backend} in the old installation`;
  const { planned } = target;
  if (planned.becomes === "left-out")
    return `its backend, ${planned.from} of ${planned.host}, is left out`;
  if (!isModelName(model)) return "it names no model";
  if (!isAliasName(name, servicesIn(placed)))
    return "the gateway takes no name with these characters";
  return whyWithoutModel(model, target, scene);
}

function whyWithoutModel(model: string, target: Placed, scene: Scene): string | undefined {
  const store = storeOf(target, scene);
  const { from, host } = target.planned;
  if (!store || store.models.length === 0) return undefined;
  if (!holds(store, model))
    return `${model} is not among the models of ${from} of ${host}: add it to \`models\` there to have it fetched`;
  return isOffered(store, model, scene.choices)
    ? undefined
    : `parts of ${model} are missing at ${from} of ${host}, where it did not work either`;
}

function capsOf({
  maxTokens,
  temperature,
  tools: allowed,
}: FoundAlias): Readonly<Record<string, unknown>> {
  const tokens = maxTokens !== undefined && Number.isSafeInteger(maxTokens) && maxTokens > 0;
  const warm = temperature !== undefined && Number.isFinite(temperature) && temperature >= 0;
  return {
    ...(allowed === false && { tools: false }),
    ...(tokens && { max_tokens: maxTokens }),
    ...(warm && { temperature }),
  };
}

/** Of aliases with one name the last counts, as in the file. */
function lastOfEach(aliases: readonly PlannedAlias[]): readonly PlannedAlias[] {
  return [...new Map(aliases.map((alias) => [alias.name, alias])).values()];
}

function wantedModels(aliases: readonly PlannedAlias[]): AliasesPart["wanted"] {
  const byService = Map.groupBy(aliases, ({ service }) => service);
  return new Map(
    [...byService].map(([service, all]) => [service, [...new Set(all.map(({ model }) => model))]]),
  );
}
