/** Tells what a migration of an installation is going to do. Holds no secret, and of keys not even a digest. */
import type { Inventory } from "../migrate/inventory.ts";
import type { MigrationPlan, PlannedService } from "../migrate/migration-plan.ts";
import type { Place } from "../migrate/reading.ts";
import { decisionLines, glanceLines, placeText } from "./migration-glance.ts";
import { formatBytes } from "./units.ts";
import { printable } from "./width.ts";

/** What `nexus migrate --json` prints of an installation's plan. */
export type MigrationPlanDocument = Readonly<{
  from: MigrationPlan["kind"];
  name: string;
  file: string;
  applied: boolean;
  stack: string;
  hosts: readonly Readonly<{ name: string; os: string; live: boolean }>[];
  keys: readonly Readonly<{
    name: string;
    hint: string;
    at: Place;
    allowed_ips?: readonly string[];
    max_request_bytes?: number;
    expires_at?: string;
    not_in_force: readonly string[];
  }>[];
  steps: readonly Readonly<{ id: string; title: string }>[];
}> &
  Pick<
    MigrationPlan,
    | "services"
    | "rewrites"
    | "conflicts"
    | "refusedKeys"
    | "users"
    | "aliases"
    | "aliasesLeftOut"
    | "data"
    | "models"
    | "stays"
    | "space"
    | "decisions"
    | "notUnderstood"
    | "warnings"
    | "obstacles"
  >;

/** A plan for programs. */
export function migrationPlanDocument(
  { choices, text, kind, keys, steps, ...plan }: MigrationPlan,
  { hosts }: Inventory,
  applied: boolean,
): MigrationPlanDocument {
  return {
    ...plan,
    from: kind,
    name: choices.stack,
    applied,
    stack: text,
    hosts: hosts.map(({ name, os, live }) => ({ name, os, live })),
    keys: keys.map(({ record, at, notInForce }) => ({
      name: record.name,
      hint: record.hint,
      at,
      ...(record.allowed_ips && { allowed_ips: record.allowed_ips }),
      ...(record.limits?.max_request_bytes !== undefined && {
        max_request_bytes: record.limits.max_request_bytes,
      }),
      ...(record.expires_at !== undefined && { expires_at: record.expires_at }),
      not_in_force: notInForce,
    })),
    steps: steps.map(({ id, title }) => ({ id, title })),
  };
}

/** A plan for people: what was found, what becomes of it, and what is to be known before it is applied. */
export function formatMigrationPlan(plan: MigrationPlan, { hosts, kind }: Inventory): string {
  const where = hosts.map(({ name, os, live }) => `${name} (${live ? "this machine" : os})`);
  const parts = [
    section(
      oneLine(`An installation of ${kind}${where.length > 0 ? ` on ${where.join(", ")}` : ""}`),
      glanceLines(plan),
    ),
    section("What stands in the way", plan.obstacles),
    section("To be decided", decisionLines(plan.decisions)),
    section("Services", plan.services.map(serviceLine)),
    section("Names that lead nowhere", plan.aliasesLeftOut.map(leftOutLine)),
    section("Keys", keyLines(plan)),
    section("Users", plan.users.map(userLine)),
    `${plan.file} is to be:\n\n${plan.text.trimEnd()}`,
    section("Addresses", plan.rewrites.map(rewriteLine)),
    section("Ports that are held", plan.conflicts.map(conflictLine)),
    section("Models", plan.models.map(modelLine)),
    section("Data", [...plan.data.map(dataLine), ...spaceLines(plan)]),
    section("Stays where it is", (plan.stays ?? []).map(stayLine)),
    ...toldSections(plan),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function toldSections({ notUnderstood, warnings }: MigrationPlan): readonly string[] {
  return [
    section(
      "Warnings",
      warnings.map(({ value, at }) => `${placeText(at)}  ${value}`),
    ),
    section(
      "Not understood, or without an equal",
      notUnderstood.map(({ at, what, why }) => `${placeText(at)}  ${what}: ${why}`),
    ),
  ];
}

/** What goes along of the gateway of a project, and what stands in the way; empty where that is nothing. */
export function formatCarried(plan: MigrationPlan): string {
  const parts = [
    section("Keys", keyLines(plan)),
    section("Users", plan.users.map(userLine)),
    section("Data", plan.data.map(dataLine)),
    ...toldSections(plan),
    section("What stands in the way", plan.obstacles),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Names of the old installation may hold anything, line breaks too. */
function oneLine(text: string): string {
  return printable(text).replaceAll(/[\n\t]+/g, " ");
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0
    ? ""
    : [`${title}:`, ...lines.map((line) => `  ${oneLine(line)}`)].join("\n");
}

function serviceLine({
  from,
  host,
  becomes,
  name,
  template,
  url,
  because,
}: PlannedService): string {
  const what = {
    container: `container ${name ?? ""}${template === undefined ? "" : `, template ${template}`}`,
    external: `external ${name ?? ""}, ${url ?? ""}`,
    "left-out": "left out",
  }[becomes];
  return `${from} of ${host}: ${what}: ${because}`;
}

function rewriteLine({ setting, from, to, because }: MigrationPlan["rewrites"][number]): string {
  const next = from === to ? from : `${from} -> ${to ?? "nothing"}`;
  return `${placeText(setting.at)}  ${setting.value}: ${next} (${because})`;
}

function conflictLine(conflict: MigrationPlan["conflicts"][number]): string {
  const { port, heldBy, for: what, instead } = conflict;
  const next = instead === undefined ? "" : `; ${what} gets ${String(instead)}`;
  return `${String(port)} is held by ${heldBy}${next}`;
}

function keyLines({ keys, refusedKeys }: MigrationPlan): readonly string[] {
  return [
    ...keys.map(({ record, at, notInForce }) => {
      const limits = [
        ...(record.allowed_ips ? [`only from ${record.allowed_ips.join(", ")}`] : []),
        ...(record.limits?.max_request_bytes === undefined
          ? []
          : [`requests up to ${formatBytes(record.limits.max_request_bytes)}`]),
        ...(record.expires_at === undefined ? [] : [`until ${record.expires_at}`]),
        ...(notInForce.length > 0 ? [`not in force: ${notInForce.join(", ")}`] : []),
      ];
      const details = limits.length > 0 ? `; ${limits.join("; ")}` : "";
      return `${record.name} (${record.hint}…), the old token goes on to work${details}  ${placeText(at)}`;
    }),
    ...refusedKeys.map(
      ({ name, at, because }) => `${name} is refused: ${because}  ${placeText(at)}`,
    ),
  ];
}

function userLine({ name, admin, disabled }: MigrationPlan["users"][number]): string {
  return `${name}${admin ? ", admin" : ""}${disabled ? ", disabled" : ""}`;
}

function leftOutLine({ name, at, because }: MigrationPlan["aliasesLeftOut"][number]): string {
  return `${placeText(at)}  ${name}: ${because}`;
}

const ways = {
  share: "the old folder is mounted, read only",
  copy: "copied",
  pull: "fetched",
  stays: "stays where it is",
} as const;

function modelLine({ service, model, bytes, how }: MigrationPlan["models"][number]): string {
  const size = bytes === undefined ? "" : `, ${formatBytes(bytes)}`;
  return `${service}/${model}${size}: ${ways[how]}`;
}

function dataLine({
  what,
  host,
  path,
  files,
  bytes,
  active,
  because,
}: MigrationPlan["data"][number]): string {
  const sizes = [
    ...(files > 1 ? [`${String(files)} files`] : []),
    ...(bytes > 0 ? [formatBytes(bytes)] : []),
  ];
  const where = [`${host}:${path}`, ...sizes].join(", ");
  return `${what} (${where}): ${active ? "in use" : "carried, not yet active"}: ${because}`;
}

function stayLine({
  what,
  host,
  path,
  bytes,
  because,
}: NonNullable<MigrationPlan["stays"]>[number]): string {
  return `${what} (${host}:${path}, ${formatBytes(bytes)}): ${because}`;
}

function spaceLines({ space }: MigrationPlan): readonly string[] {
  const { staging, volumes, freeForStaging, freeForVolumes } = space;
  return [
    `beside the stack file ${formatBytes(staging)} are needed${freeText(freeForStaging)}`,
    `in volumes ${formatBytes(volumes)} are needed${freeText(freeForVolumes)}`,
  ];
}

function freeText(bytes: number | undefined): string {
  return bytes === undefined ? "" : `, ${formatBytes(bytes)} are free`;
}
