/** What `nexus add service` writes: a template with its companions, or a copy of a template's sources. */
import { join } from "node:path";
import { type Catalog, findTemplate } from "../catalog/catalog.ts";
import { candidateOf } from "../catalog/choose-template.ts";
import { NoScaffoldError } from "../catalog/errors.ts";
import type { Machine } from "../catalog/machine.ts";
import { scaffoldedService, scaffoldService } from "../catalog/scaffold.ts";
import { overlaid, type Template } from "../catalog/template.ts";
import type { ServiceText } from "./edit.ts";
import { isRecord } from "./record.ts";
import type { Stack } from "./stack.ts";

/** One entry below `services`. */
export type NamedService = Readonly<{ name: string; spec: ServiceText }>;

/** Services to add, the one that was asked for first. */
export type Addition = Readonly<{
  services: readonly [NamedService, ...NamedService[]];
  /** Companions that are not added, and why. */
  leftOut: readonly string[];
  /** Writes the sources it is built from, once that is agreed on; resolves with their paths. */
  copySources?: () => Promise<readonly string[]>;
}>;

/** What templates are added to: the machine, and the services that are there, each with its template. */
export type Neighbourhood = Readonly<{
  catalog: Catalog;
  machine: Machine;
  services: ReadonlyMap<string, string | undefined>;
}>;

/** A template as `name` with these keys, and the companions that fit the machine and are not there yet. */
export function additionOf(
  template: Template,
  { name, keys }: Readonly<{ name: string; keys: ServiceText }>,
  around: Neighbourhood,
): Addition {
  const first = { name, spec: specOf(template, name, keys) };
  const companions = template.companions.map((each) => companionOf(each, name, around));
  return {
    services: [first, ...companions.flatMap(({ service }) => service ?? [])],
    leftOut: companions.flatMap(({ because }) => because ?? []),
  };
}

function specOf(template: Template, service: string, keys: ServiceText): ServiceText {
  return { template: template.id, ...overlaid(filled(template.writes, { service }), keys) };
}

type Companion = Readonly<{ service?: NamedService; because?: string }>;

function companionOf(
  { template: id, name: pattern, service: keys }: Template["companions"][number],
  service: string,
  { catalog, machine, services }: Neighbourhood,
): Companion {
  const name = companionName(pattern, { service, template: id });
  if (services.get(name) === id) return { because: `${name} is there already.` };
  const template = findTemplate(catalog, id);
  const { objection } = candidateOf(template, machine);
  if (objection !== undefined) return { because: `${name} is left out: ${objection}.` };
  return { service: { name, spec: specOf(template, name, filled(keys, { service })) } };
}

/** Names of the services that came with a service, as far as they are still there. */
export function companionsOf(
  service: string,
  { catalog, services }: Pick<Neighbourhood, "catalog" | "services">,
): readonly string[] {
  const template = catalog.find(({ id }) => id === services.get(service));
  return (template?.companions ?? [])
    .map((each) => ({
      ...each,
      name: companionName(each.name, { service, template: each.template }),
    }))
    .filter((each) => services.get(each.name) === each.template)
    .map(({ name }) => name);
}

function companionName(
  pattern: string,
  { service, template }: Readonly<{ service: string; template: string }>,
): string {
  return pattern.replaceAll("{service}", service).replaceAll("{template}", template);
}

/** The services of a stack with their templates. */
export function servicesOf({ services }: Stack): Neighbourhood["services"] {
  return new Map(
    services.map((each) => [each.name, each.kind === "container" ? each.template : undefined]),
  );
}

/** Every text in it with `{service}` filled in. */
function filled(keys: ServiceText, names: Readonly<{ service: string }>): ServiceText {
  return Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [
      key.replaceAll("{service}", names.service),
      filledValue(value, names),
    ]),
  );
}

function filledValue(value: unknown, names: Readonly<{ service: string }>): unknown {
  if (typeof value === "string") return value.replaceAll("{service}", names.service);
  if (Array.isArray(value)) return value.map((item) => filledValue(item, names));
  return isRecord(value) ? filled(value, names) : value;
}

/** What a template has to be told and was not. */
export type Question = Template["asks"][number];

/** The keys that its user has to give: what it asks, and a model where it cannot start without one. */
export function openQuestions(template: Template, keys: ServiceText): readonly Question[] {
  const { id, asks, models_as: as, service, writes } = template;
  const needsModel =
    (as?.least ?? 0) > 0 &&
    service["models"] === undefined &&
    writes["models"] === undefined &&
    !asks.some(({ key }) => key === "models");
  const model = { key: "models", question: `Which model should ${id} serve?`, example: "org/name" };
  return [...asks, ...(needsModel ? [model] : [])].filter(({ key }) => !isGiven(keys, key));
}

function isGiven(keys: ServiceText, key: string): boolean {
  return (
    key
      .split(".")
      .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), keys) !==
    undefined
  );
}

/** A copy of a template's sources as a service of one's own; writes nothing yet. Throws UnknownTemplateError, NoScaffoldError. */
export function scaffoldAddition(
  catalog: Catalog,
  wish: Readonly<{ template: string; name: string; keys: ServiceText; directory: string }>,
): Addition {
  const { template, name, keys, directory } = wish;
  const found = findTemplate(catalog, template);
  if (found.service["build"] === undefined) throw new NoScaffoldError(found.id);
  const copySources = async (): Promise<readonly string[]> => {
    const scaffold = await scaffoldService(catalog, { template, name, directory });
    return scaffold.files.map((file) => join(scaffold.directory, file));
  };
  const spec = { ...scaffoldedService(found, name), ...keys };
  return { services: [{ name, spec }], leftOut: [], copySources };
}
