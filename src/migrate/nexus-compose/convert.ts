/** Makes a stack out of the compose files of Nexus's ancestor: its gateway and registry are Nexus itself. Pure. */
import { isRecord } from "../../stack/record.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { type Conversion, convertCompose } from "../compose/convert.ts";
import { type Definition, placeIn } from "../compose/layers.ts";
import { type Note, noteAt } from "../compose/note.ts";
import type { ComposeProject, TextOf } from "../compose/read.ts";
import { type OldGateway, readGateway } from "./gateway.ts";
import { type Adapted, adapt } from "./adapt.ts";
import type { Ancestor } from "./ancestor.ts";
import { isOldGateway, replacedBecause } from "./parts.ts";

/** A project of the ancestor's as a stack, and what of its gateway no stack file holds. */
export type Converted = Readonly<{ conversion: Conversion; ancestor: Ancestor }>;

/** Converts a project of the ancestor's; the services themselves become what they would become out of any Compose file. */
export function convertNexusCompose(
  project: ComposeProject,
  catalog: Catalog,
  textOf: TextOf,
): Converted {
  const { services } = project;
  const gateway = services.find(({ value }) => isOldGateway(value));
  const gone = services.filter(
    (service) => service === gateway || replacedBecause(service.name) !== undefined,
  );
  const kept = services.filter((service) => !gone.includes(service));
  const unused = volumesOf(gone).filter((name) => !volumesOf(kept).includes(name));
  const conversion = convertCompose(
    {
      ...project,
      services: kept,
      volumes: project.volumes.filter(({ name }) => !unused.includes(name)),
    },
    catalog,
  );
  const old = readGateway(project, gateway, {
    kept: new Set(conversion.services.map(({ name }) => name)),
    gone: new Set(gone.map(({ name }) => name)),
    textOf,
  });
  const adapted = adaptAll(conversion, project);
  const { notes } = conversion;
  const changes = [...adapted.values()].flatMap((each) => each.notes);
  const { keys, settings, data, config } = old;
  return {
    conversion: {
      ...withGateway(conversion, old, adapted),
      notes: [...gone.flatMap(noteGone), ...old.notes, ...changes, ...notes],
    },
    ancestor: { keys, settings, ...(data && { data }), ...(config && { config }) },
  };
}

/** For those who bring the stack up themselves: the tokens in files of their own, and the commands that have the gateway accept them. */
export function withKeyFiles({ conversion, ancestor: { keys } }: Converted): Conversion {
  const files = keys.map(({ name: called, key }) => ({
    path: `./.nexus/secrets/${called}.key`,
    text: `${key}\n`,
    names: [called],
  }));
  return {
    ...conversion,
    secretFiles: [...conversion.secretFiles, ...files],
    afterUp: keys.map(({ command }) => command),
  };
}

function adaptAll(
  { services, stack }: Conversion,
  project: ComposeProject,
): ReadonlyMap<string, Adapted> {
  const inStack = isRecord(stack["services"]) ? stack["services"] : {};
  return new Map(
    services.flatMap((service): [string, Adapted][] => {
      const keys = inStack[service.name];
      if (!isRecord(keys)) return [];
      const definition = project.services.find(({ name }) => name === service.from);
      return [[service.name, adapt({ ...service, keys }, definition, project)]];
    }),
  );
}

function volumesOf(services: readonly Definition[]): readonly string[] {
  return services.flatMap(({ value: { volumes } }) =>
    (Array.isArray(volumes) ? volumes : []).map((mount: unknown) =>
      isRecord(mount) ? String(mount["source"]) : (String(mount).split(":")[0] ?? ""),
    ),
  );
}

function noteGone(service: Definition): readonly Note[] {
  const place = placeIn(service, []);
  const why = replacedBecause(service.name) ?? "is Nexus's own gateway now";
  return place ? [noteAt(place, "changed", why)] : [];
}

function withGateway(
  conversion: Conversion,
  old: OldGateway,
  adapted: ReadonlyMap<string, Adapted>,
): Conversion {
  const services = conversion.stack["services"];
  const own = Object.entries(isRecord(services) ? services : {}).map(
    ([name, keys]) => [name, adapted.get(name)?.keys ?? keys] as const,
  );
  const { name, ...rest } = conversion.stack;
  return {
    ...conversion,
    stack: {
      name,
      ...(Object.keys(old.gateway).length > 0 && { gateway: old.gateway }),
      ...rest,
      services: Object.fromEntries([...own, ...old.externals]),
    },
  };
}
