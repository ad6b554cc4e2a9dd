/** Makes a stack out of a Compose project. Pure. */
import type { Catalog } from "../../catalog/catalog.ts";
import { isRecord } from "../../stack/record.ts";
import { stackFileSchema } from "../../stack/schema/stack-file.ts";
import { type Around, convertService, type ConvertedService, runs } from "./convert-service.ts";
import { pairsOf, type SecretFile } from "./environment.ts";
import { filled } from "./fill.ts";
import { type Definition, placeIn, type Values } from "./layers.ts";
import { type Note, noteAt, type NoteKind } from "./note.ts";
import type { ComposeProject } from "./read.ts";

/** A stack, made out of a project. */
export type Conversion = Readonly<{
  name: string;
  /** What the stack file says. */
  stack: Values;
  services: readonly ConvertedService[];
  secretFiles: readonly SecretFile[];
  /** Every volume by its name on the engine, with the key that the stack has for it. */
  volumes: readonly Readonly<{ key: string; name: string }>[];
  notes: readonly Note[];
  /** Commands to run after the first `nexus up`. */
  afterUp?: readonly string[];
}>;

const longestName = 40;

/** Converts a project. What cannot be taken over is in the notes. */
export function convertCompose(project: ComposeProject, catalog: Catalog): Conversion {
  const notes: Note[] = [...project.notes];
  const note = (
    kind: NoteKind,
    of: Definition,
    message: string,
    key: readonly string[] = [],
  ): void => {
    const place = placeIn(of, key);
    if (place) notes.push(noteAt(place, kind, message));
  };
  const name = stackNameOf(project, notes);
  const names = namesOf(project.services, note);
  const around = aroundOf(project, { catalog, names });
  const services = project.services.map((service) => convertService(service, around));
  const kept = services.filter(({ keys }) => runs(keys));
  const others = exportedServices(project);
  const there = new Set(
    [...kept, ...others.map(([other]) => ({ name: other }))].map((each) => each.name),
  );
  const volumes = convertVolumes(project, name, note);
  convertNetworkDefinitions(project.networks, project, note);
  const stack = {
    name,
    ...exportedGateway(project),
    services: Object.fromEntries([
      ...kept.map((service) => [service.name, withoutMissing(service.keys, there)] as const),
      ...others,
    ]),
    ...(Object.keys(volumes).length > 0 && { volumes }),
    ...secretsOf(kept),
  };
  return {
    name,
    stack,
    services,
    secretFiles: kept.flatMap(({ secretFile }) => (secretFile ? [secretFile] : [])),
    volumes: engineNames(stack, project),
    notes: [...notes, ...services.flatMap((service) => service.notes)],
  };
}

function stackNameOf({ name, files }: ComposeProject, notes: Note[]): string {
  const short = name.slice(0, longestName) || "stack";
  if (short !== name) {
    const message = `the project's name ${name === "" ? "is empty" : "is too long"}: the stack is called ${short}`;
    notes.push({ kind: "changed", file: files[0] ?? "", line: 1, path: "name", message });
  }
  return short;
}

type TakeNote = (kind: NoteKind, of: Definition, message: string, key?: readonly string[]) => void;

/** What services are called: names are host names here, and the gateway has one. */
function namesOf(services: readonly Definition[], note: TakeNote): ReadonlyMap<string, string> {
  const taken = new Set<string>(["gateway"]);
  const names = new Map<string, string>();
  for (const service of services) {
    const plain = service.name
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, "-")
      .replace(/^[_-]+/, "");
    const base = plain.slice(0, longestName - 3) || "service";
    let name = plain.length <= longestName && plain !== "" ? plain : base;
    for (let count = 2; taken.has(name); count += 1) name = `${base}-${count}`;
    taken.add(name);
    names.set(service.name, name);
    if (name !== service.name)
      note("changed", service, `is called ${name} now: change addresses that use the old name`);
  }
  return names;
}

function aroundOf(
  project: ComposeProject,
  { catalog, names }: Pick<Around, "catalog" | "names">,
): Around {
  const { variables } = project;
  const values = (definitions: readonly Definition[]): ReadonlyMap<string, Values> =>
    new Map(
      definitions.map(({ name, value }) => {
        const seen = filled(value, variables);
        return [
          name,
          {
            ...value,
            internal: isRecord(seen) && (seen["internal"] === true || seen["internal"] === "true"),
          },
        ];
      }),
    );
  const awaited = project.services.flatMap(({ value }) =>
    pairsOf(value["depends_on"]).flatMap(([name, wish]) =>
      isRecord(wish) && wish["condition"] === "service_completed_successfully"
        ? [names.get(name) ?? name]
        : [],
    ),
  );
  return {
    catalog,
    names,
    variables,
    jobs: new Set(awaited),
    networks: values(project.networks),
    secrets: values(project.secrets),
    configs: values(project.configs),
  };
}

/** A service cannot wait for one that is not in the stack. */
function withoutMissing(keys: Values, present: ReadonlySet<string>): Values {
  const { depends_on: dependencies, ...rest } = keys;
  if (!isRecord(dependencies)) return keys;
  const there = Object.entries(dependencies).filter(([name]) => present.has(name));
  return there.length > 0 ? { ...keys, depends_on: Object.fromEntries(there) } : rest;
}

const volumeKeys = new Set(["name", "external", "driver", "driver_opts"]);

function convertVolumes(
  { volumes, name: project, variables }: ComposeProject,
  stack: string,
  note: TakeNote,
): Values {
  const all = volumes.map((definition): readonly [string, Values | null] => {
    const { name, value } = definition;
    for (const key of Object.keys(value).filter((each) => !volumeKeys.has(each)))
      note("left-out", definition, "Nexus sets labels of its own, and no other keys", [key]);
    const { external } = value;
    const old = isRecord(external) ? { external: true, name: external["name"] ?? name } : {};
    const own = Object.entries({ ...value, ...old }).filter(([key]) => volumeKeys.has(key));
    const moved = stack === project ? {} : { name: `${project}_${name}`, external: true };
    const spec = { ...moved, ...Object.fromEntries(own) };
    const read = stackFileSchema.shape.volumes.safeParse({ [name]: filled(spec, variables) });
    if (!read.success)
      note(
        "left-out",
        definition,
        "says something that a stack file cannot: only its name is taken over",
      );
    return [name, Object.keys(spec).length > 0 && read.success ? spec : null];
  });
  return Object.fromEntries(all);
}

function convertNetworkDefinitions(
  networks: readonly Definition[],
  { variables }: ComposeProject,
  note: TakeNote,
): void {
  const own = networks.filter(({ name }) => name !== "default");
  if (own.length > 1)
    for (const network of own)
      note(
        "changed",
        network,
        "is no network of its own: all services of a stack share one, and `egress: false` keeps a service inside",
      );
  for (const network of networks) {
    const seen = filled(network.value, variables);
    for (const [key, value] of Object.entries(isRecord(seen) ? seen : {})) {
      if (isPlain(key, value)) continue;
      const outside =
        "services outside of the stack are reached as `external` ones, or under `extra_hosts`";
      const message = key === "external" ? outside : "the stack's network is made by Nexus";
      note("left-out", network, message, [key]);
    }
  }
}

/** What a stack's network is anyway, or what services say for themselves. */
function isPlain(key: string, value: unknown): boolean {
  if (key === "driver") return value === "bridge" || value === "default";
  return key === "internal" || value === false;
}

/** Where secrets lie that are not where Nexus looks by itself. */
function secretsOf(services: readonly ConvertedService[]): Values {
  const files = services.flatMap(({ secrets }) => [...secrets]);
  if (files.length === 0) return {};
  return { secrets: Object.fromEntries(files.map(([name, file]) => [name, { file }])) };
}

function exportedGateway({ exported }: ComposeProject): Values {
  const { gateway } = exported;
  return stackFileSchema.shape.gateway.safeParse(gateway).success && isRecord(gateway)
    ? { gateway }
    : {};
}

function exportedServices({
  exported: { services },
}: ComposeProject): readonly (readonly [string, unknown])[] {
  return stackFileSchema.shape.services.safeParse(services).success && isRecord(services)
    ? Object.entries(services)
    : [];
}

function engineNames(
  stack: Values,
  { name: project, variables }: ComposeProject,
): Conversion["volumes"] {
  const services = stackFileSchema.shape.services.safeParse(filled(stack["services"], variables));
  const used = Object.values(services.data ?? {}).flatMap(({ volumes = [] }) =>
    volumes.flatMap(({ type, source }) =>
      type === "volume" && source !== undefined ? [source] : [],
    ),
  );
  const declared = isRecord(stack["volumes"]) ? stack["volumes"] : {};
  return [...new Set([...used, ...Object.keys(declared)])].map((key) => {
    const spec = filled(declared[key], variables);
    const own = isRecord(spec)
      ? (spec["name"] ?? (spec["external"] === true ? key : undefined))
      : undefined;
    return { key, name: typeof own === "string" ? own : `${project}_${key}` };
  });
}
