/** Makes the plan of a migration: equal inputs give equal plans, and nothing of the inventory is missing in it. Pure. */
import { join } from "node:path";
import type { Catalog } from "../../catalog/catalog.ts";
import type { Inventory } from "../inventory.ts";
import type { Choices, MigrationPlan, Target } from "../migration-plan.ts";
import type { NotUnderstood } from "../reading.ts";
import { backendService } from "./backends.ts";
import { modelTokensTold } from "./model-tokens.ts";
import { obstaclesOf } from "./obstacles.ts";
import { placeServices, placingTold } from "./place-services.ts";
import type { Placed } from "./placed.ts";
import { planAliases } from "./plan-aliases.ts";
import { planData, planSpace } from "./plan-data.ts";
import { type GatewayPart, planGateway } from "./plan-gateway.ts";
import { planKeys } from "./plan-keys.ts";
import { planModels } from "./plan-models.ts";
import { planStays } from "./plan-stays.ts";
import { planSteps } from "./plan-steps.ts";
import { planUsers } from "./plan-users.ts";
import { oldClientsTold } from "./old-clients.ts";
import { rewriteUrls } from "./rewrite-urls.ts";
import type { PlannedAlias } from "./planned-alias.ts";
import type { Scene, Told } from "./scene.ts";
import { stackText } from "./stack-text.ts";

/** Plans to make a stack out of what was found. */
export function planMigration(
  inventory: Inventory,
  choices: Choices,
  target: Target,
  catalog: Catalog,
): MigrationPlan {
  const scene = { inventory, choices, target, catalog };
  const placed = placeServices(scene);
  const gateway = planGateway(scene);
  const names = planAliases(placed, scene);
  const models = planModels(placed, names.wanted, scene);
  const keys = planKeys(inventory);
  const people = planUsers(inventory);
  const tokens = modelTokensTold(placed, scene);
  const clients = oldClientsTold(names.aliases, scene);
  const text = stackText({ placed, gateway, aliases: names.aliases, models: models.keys }, scene);
  const parts = { placed, keys: keys.keys, copies: models.copies, text };
  return {
    kind: inventory.kind,
    choices,
    file: join(choices.directory, choices.output),
    text,
    services: placed.map(({ planned }) => planned),
    rewrites: rewriteUrls(placed, scene),
    conflicts: gateway.conflicts,
    keys: keys.keys,
    refusedKeys: keys.refusedKeys,
    users: people.users,
    aliases: names.aliases.map(writtenAlias),
    aliasesLeftOut: names.leftOut,
    models: models.models,
    ...storage(models.models, gateway, scene),
    stays: planStays(placed, scene),
    ...told(
      [gateway, placingTold(placed, scene), names, models, tokens, clients, keys, people],
      inventory,
    ),
    notUnderstood: [...inventory.notUnderstood, ...withoutEqual(placed, scene)],
    steps: planSteps(parts, scene),
  };
}

function writtenAlias({
  name,
  service,
  model,
  at,
}: PlannedAlias): MigrationPlan["aliases"][number] {
  return { name, targets: [`${service}/${model}`], ...(at && { at }) };
}

/** What is moved, whether there is room for it, and what else is in the way. */
function storage(
  models: MigrationPlan["models"],
  gateway: GatewayPart,
  scene: Scene,
): Pick<MigrationPlan, "data" | "space" | "obstacles"> {
  const data = planData(scene.inventory);
  const space = planSpace({
    data,
    models,
    freeForStaging: scene.target.freeBytes,
    freeForVolumes: scene.target.engine?.freeBytes,
  });
  return { data, space, obstacles: [...obstaclesOf(scene, space), ...(gateway.obstacles ?? [])] };
}

function told(
  parts: readonly Told[],
  { warnings }: Inventory,
): Pick<MigrationPlan, "decisions" | "warnings"> {
  return {
    decisions: parts.flatMap(({ decisions = [] }) => decisions),
    warnings: [...parts.flatMap((part) => part.warnings ?? []), ...warnings],
  };
}

/** What was understood and has no equal: settings of services that are containers now, and models for backends that are nowhere. */
function withoutEqual(placed: readonly Placed[], scene: Scene): readonly NotUnderstood[] {
  const settings = placed.flatMap(({ planned }) =>
    planned.settings.left.length === 0
      ? []
      : [
          {
            at: planned.at,
            what: planned.settings.left.join(", "),
            why: `the template ${planned.template ?? planned.from} has no equal; write what matters under \`environment\``,
          },
        ],
  );
  const routes = Object.entries(scene.inventory.routing.models).flatMap(([name, { at }]) =>
    backendService(name.split(".")[0] ?? "", placed, scene)
      ? []
      : [{ at, what: name, why: "there is no backend of that name to ask for this model" }],
  );
  return [...settings, ...routes];
}
