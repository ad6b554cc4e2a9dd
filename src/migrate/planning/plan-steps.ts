/** What is done, in order; each step has an id that is the same whenever the same is planned. Pure. */
import type { Inventory } from "../inventory.ts";
import type { PlannedKey, Step } from "../migration-plan.ts";
import { modelToken } from "./container-keys.ts";
import { modelTokens } from "./model-tokens.ts";
import type { Placed } from "./placed.ts";
import { keptSettings, stagedPath } from "./plan-data.ts";
import { tlsFiles } from "./plan-gateway.ts";
import type { ModelsPart } from "./plan-models.ts";
import type { Scene } from "./scene.ts";

/** What the steps are made from. */
export type Parts = Readonly<{
  placed: readonly Placed[];
  keys: readonly PlannedKey[];
  copies: ModelsPart["copies"];
  text: string;
}>;

/** Git is kept away before anything secret is there, then backups; nothing of the stack is written before they are there. */
export function planSteps(parts: Parts, scene: Scene): readonly Step[] {
  const { inventory, choices } = scene;
  const staged = stagingSteps(inventory);
  return [
    { id: "ignore .nexus", title: "Keep git away from .nexus/", kind: "ignore-secrets" },
    ...staged,
    {
      id: `write ${choices.output}`,
      title: `Write ${choices.output}`,
      kind: "write-file",
      path: choices.output,
      text: parts.text,
      mode: 0o644,
    },
    ...secretSteps(parts.placed, scene),
    ...certificateSteps(inventory),
    ...parts.copies.map((copy) => modelStep(copy, choices.stack)),
    ...carryStep(staged),
    { id: "up", title: "Bring the stack up", kind: "up" },
    ...(parts.keys.length > 0
      ? [{ id: "keys", title: "Add the old tokens", kind: "add-keys", keys: parts.keys } as const]
      : []),
    ...userStep(inventory),
    { id: "verify", title: "Check everything", kind: "verify" },
    ...legacySteps(parts.placed, scene),
  ];
}

/** What stops the services whose place the stack takes. */
function legacySteps(placed: readonly Placed[], { inventory }: Scene): readonly Step[] {
  const services = placed.flatMap(({ planned, found }) =>
    planned.becomes === "container" && found?.unit ? [{ host: found.host, unit: found.unit }] : [],
  );
  const { gateway } = inventory;
  const own = gateway?.unit ? [{ host: gateway.host, unit: gateway.unit }] : [];
  return uniqueById(
    [...own, ...services].map(({ host, unit }): Step => ({
      id: `stop ${host} ${unit.name}`,
      title: `Stop ${unit.name} on ${host}`,
      kind: "stop-legacy",
      host,
      unit,
    })),
  );
}

function stagingSteps(inventory: Inventory): readonly Step[] {
  const settings = keptSettings(inventory);
  return outerFirst(
    uniqueById([
      ...inventory.databases.map((database): Step => ({
        id: `backup ${database.host}:${database.path}`,
        title: `Back up the ${database.name} database of ${database.host}`,
        kind: "backup-database",
        database,
        to: stagedPath(database.host, database.path),
      })),
      ...inventory.files.map((files): Step => ({
        id: `fetch ${files.host}:${files.path}`,
        title: `Fetch ${files.path} of ${files.host}`,
        kind: "fetch-files",
        files,
        to: stagedPath(files.host, files.path),
      })),
      ...(settings
        ? [
            {
              id: `write ${settings.path}`,
              title: "Keep the old gateway's other settings",
              kind: "write-file",
              path: settings.path,
              text: settings.text,
              mode: 0o600,
            } as const,
          ]
        : []),
    ]),
  );
}

/** What lies in a folder that is staged as well comes with it, and after it: else the folder would be taken for staged. */
function outerFirst(steps: readonly Step[]): readonly Step[] {
  const placeOf = (step: Step): string => ("to" in step ? step.to : "");
  const isInner = (step: Step): boolean =>
    steps.some((other) => "to" in other && placeOf(step).startsWith(`${other.to}/`));
  const depth = (step: Step): number => placeOf(step).split("/").length;
  return [
    ...steps.filter((step) => !isInner(step)),
    ...steps.filter(isInner).toSorted((a, b) => depth(a) - depth(b)),
  ];
}

/** Every place where something was staged, into the gateway's volume. */
function carryStep(staged: readonly Step[]): readonly Step[] {
  const paths = staged.flatMap((step) => {
    if (step.kind === "write-file") return step.path;
    return step.kind === "backup-database" || step.kind === "fetch-files" ? step.to : [];
  });
  if (paths.length === 0) return [];
  return [
    { id: "carry", title: "Keep the data in the gateway's volume", kind: "carry", staged: paths },
  ];
}

/** Templates know one token, so the first is the secret of all. */
function secretSteps(placed: readonly Placed[], scene: Scene): readonly Step[] {
  return modelTokens(placed, scene)
    .slice(0, 1)
    .map(({ setting, found }) => ({
      id: `secret ${modelToken.name}`,
      title: `Keep ${setting} as the secret ${modelToken.name}`,
      kind: "write-secret",
      path: `.nexus/secrets/${modelToken.name}`,
      host: found.at.host,
      file: found.at.file,
      setting,
    }));
}

function certificateSteps({ gateway }: Inventory): readonly Step[] {
  if (!gateway?.tls) return [];
  const { certificate, key } = gateway.tls;
  const pairs = [
    [tlsFiles.cert, certificate],
    [tlsFiles.key, key],
  ] as const;
  return pairs.map(([path, { value, at }]) => ({
    id: `place ${path}`,
    title: `Take over ${value}`,
    kind: "place-file",
    path,
    host: at.host,
    file: value,
  }));
}

/** Ollama's template keeps its models in the folder `models` of the volume of that name. */
function modelStep({ store, service }: ModelsPart["copies"][number], stack: string): Step {
  const key = `${service}-models`;
  return {
    id: `models ${service}`,
    title: `Copy the models of ${service}`,
    kind: "copy-models",
    store,
    volume: `${stack}_${key}`,
    key,
    folder: "models",
  };
}

/** From the backup of the database that they are in. */
function userStep({ users, databases }: Inventory): readonly Step[] {
  const database = databases.find(({ name }) => name === "users");
  if (users.length === 0 || !database) return [];
  const { host, path } = database;
  return [
    {
      id: "users",
      title: "Add the users with their passwords",
      kind: "add-users",
      host,
      path,
      staged: stagedPath(host, path),
    },
  ];
}

function uniqueById(steps: readonly Step[]): readonly Step[] {
  return [...new Map(steps.map((step) => [step.id, step])).values()];
}
