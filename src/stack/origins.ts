/** Where every value of the effective stack came from. Pure. */
import type { Variant } from "../catalog/template.ts";
import { gatewayDefaults } from "./defaults.ts";
import { effectiveService } from "./effective.ts";
import type { Member } from "./members.ts";
import { formatPath, type Path } from "./problem.ts";
import { formatBytes } from "./quantities.ts";
import { isRecord } from "./record.ts";
import { activeMembers, joinFiles, type Readings } from "./resolve.ts";
import { writePatience } from "./schema/patience.ts";
import { placeOf } from "./source.ts";
import { type StackFile, variablesBehind } from "./stack-file.ts";
import type { Stack } from "./stack.ts";

/** One value of the effective stack: `from` is `nexus.yaml:12`, `template ollama`, `default` or `environment PORT`. */
export type Origin = Readonly<{ path: string; steps: Path; value: unknown; from: string }>;

/** Every value of the effective stack with its origin, in the order of the stack file. */
export function traceOrigins(readings: Readings, stack: Stack): readonly Origin[] {
  return [
    origin(["name"], stack.name, fromFiles(readings, ["name"])),
    ...gatewayOrigins(readings),
    ...activeMembers(readings).flatMap((member) => serviceOrigins(member, readings, stack)),
    ...stack.volumes.flatMap((volume) => volumeOrigins(volume, readings)),
    ...secretOrigins(stack, readings),
  ];
}

function gatewayOrigins(readings: Readings): readonly Origin[] {
  const { gateway } = joinFiles(readings);
  const { aliases, mem_limit: memory, timeouts, heartbeat, ...given } = gateway;
  const { pids: _, ...defaults } = gatewayDefaults;
  const values = {
    ...defaults,
    ...given,
    mem_limit: formatBytes(memory ?? defaults.mem_limit),
    aliases,
    ...writePatience({ timeouts, heartbeat }),
  };
  return leaves(["gateway"], values).map(([steps, value]) =>
    origin(steps, value, fromFiles(readings, steps)),
  );
}

function volumeOrigins(volume: Stack["volumes"][number], readings: Readings): readonly Origin[] {
  const { name, key, external, driver, driverOpts } = volume;
  const values = {
    name,
    ...(external ? { external } : {}),
    driver,
    ...(Object.keys(driverOpts).length > 0 ? { driver_opts: driverOpts } : {}),
  };
  return leaves(["volumes", key], values).map(([steps, value]) =>
    origin(steps, value, fromFiles(readings, steps)),
  );
}

function secretOrigins({ services }: Stack, readings: Readings): readonly Origin[] {
  const secrets = services.flatMap((service) =>
    service.kind === "container" ? service.secrets : [],
  );
  return [...new Map(secrets.map((secret) => [secret.name, secret.file]))].map(([name, file]) => {
    const steps = ["secrets", name, "file"];
    return origin(steps, file, fromFiles(readings, steps));
  });
}

function serviceOrigins(member: Member, readings: Readings, stack: Stack): readonly Origin[] {
  const resolved = stack.services.find(({ name }) => name === member.name);
  const environment = resolved?.kind === "container" ? resolved.environment : {};
  return leaves([], effectiveService(member, environment)).map(([steps, value]) => {
    const from = serviceFrom(member, steps, readings);
    return origin(["services", member.name, ...steps], value, from);
  });
}

/** Who said it: the stack file, a file of environment variables, the template, or nobody. */
function serviceFrom(member: Member, steps: Path, readings: Readings): string {
  const [key = "", inner] = steps;
  if (key === "environment" && inner !== undefined)
    return environmentFrom(member, String(inner), readings);
  const at = pathIn(member.own, member.spec, steps);
  if (at) return fileFrom(member.file, ["services", member.name, ...at], readings);
  const fromTemplate = member.template && pathIn(member.template.spec, member.spec, steps);
  return fromTemplate ? templateFrom(member, steps) : "default";
}

function environmentFrom(member: Member, name: string, readings: Readings): string {
  const given = member.own.environment?.[name];
  const passed = given === null ? readings.variables.get(name) : undefined;
  if (passed) return passed.from;
  if (given !== undefined) {
    return fileFrom(member.file, ["services", member.name, "environment", name], readings);
  }
  if (isInTemplate(member, name)) return templateFrom(member, ["environment", name]);
  return envFileFrom(member, name, readings);
}

/** `template vllm`, or `template vllm (cuda13)` for what only its variant says. */
function templateFrom({ template }: Member, steps: Path): string {
  if (!template) return "default";
  const { id, choice } = template;
  const variant = choice.kind === "chosen" ? choice.variant : undefined;
  return variant && says(variant, steps) ? `template ${id} (${variant.name})` : `template ${id}`;
}

function says({ service }: Variant, [key = "", inner = ""]: Path): boolean {
  const said = service[key];
  return isRecord(said) ? Object.hasOwn(said, inner) : said !== undefined;
}

function envFileFrom(member: Member, name: string, { gathered }: Readings): string {
  return gathered.get(member.name)?.environment.get(name)?.from ?? "default";
}

function isInTemplate({ template }: Member, name: string): boolean {
  return Object.hasOwn(template?.spec.environment ?? {}, name);
}

/** The path of a value of the whole in one of its layers; in lists an entry has another number there. */
function pathIn(layer: unknown, whole: unknown, steps: Path): Path | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return [];
  const inside = valueAt(whole, step);
  const at = typeof step === "number" && Array.isArray(layer) ? indexOf(layer, inside) : step;
  const found = at === undefined ? undefined : valueAt(layer, at);
  if (at === undefined || found === undefined) return undefined;
  const deeper = typeof found === "object" ? pathIn(found, inside, rest) : [];
  return deeper && [at, ...deeper];
}

function valueAt(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return typeof step === "number" ? value[step] : undefined;
  return typeof value === "object" && value !== null
    ? new Map(Object.entries(value)).get(String(step))
    : undefined;
}

function indexOf(list: readonly unknown[], item: unknown): number | undefined {
  const text = JSON.stringify(item);
  const index = list.findIndex((other) => JSON.stringify(other) === text);
  return index === -1 ? undefined : index;
}

/** The last file that says it counts. */
function fromFiles(readings: Readings, steps: Path): string {
  const file = readings.files.findLast(
    ({ spec }) => steps.reduce<unknown>(valueAt, spec) !== undefined,
  );
  return file ? fileFrom(file, steps, readings) : "default";
}

function fileFrom(file: StackFile, steps: Path, { variables }: Readings): string {
  const place = placeOf(file.source, steps);
  const filled = variablesBehind(file, steps).map((name) => variables.get(name)?.from ?? name);
  return [`${place.file}:${place.line}`, ...filled].join(", ");
}

/** Every value that is no map and no list, and every map and list that is empty. */
function leaves(steps: Path, value: unknown): readonly (readonly [Path, unknown])[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0)
    return [[steps, value]];
  const inside = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return inside.flatMap(([step, item]: [string | number, unknown]) =>
    leaves([...steps, step], item),
  );
}

function origin(steps: Path, value: unknown, from: string): Origin {
  return { path: formatPath(steps), steps, value, from };
}
