/** The services that come with others: the adapter that gives InvokeAI the images API. Pure. */
import { overlaid, type Template } from "../../catalog/template.ts";
import { isRecord } from "../../stack/record.ts";
import type { FoundService } from "../inventory.ts";
import type { Placed } from "./placed.ts";
import { freeName, type Scene } from "./scene.ts";
import { templateOf } from "./why-not-container.ts";

/** What comes with the containers of the stack and is not among them yet. */
export function companionsFor(placed: readonly Placed[], scene: Scene): readonly Placed[] {
  const taken = new Set(placed.flatMap(({ planned }) => planned.name ?? []));
  return placed.flatMap((each) => {
    const template = containerTemplate(each, scene);
    const { name } = each.planned;
    if (!template || name === undefined || !each.found) return [];
    const { found } = each;
    return template.companions
      .filter((companion) => !hasIts(found, companion.template, placed))
      .map((companion) => companionOf(companion, { found, name, taken }, scene));
  });
}

/** The keys of an old adapter, told of the container that it adapts. */
export function adapterKeys(
  adapter: Placed,
  placed: readonly Placed[],
  scene: Scene,
): Readonly<Record<string, unknown>> {
  if (adapter.planned.becomes !== "container") return adapter.keys;
  const upstream = placed.find(
    (each) =>
      each.found?.host === adapter.found?.host &&
      containerTemplate(each, scene)?.companions.some(
        ({ template }) => template === adapter.planned.template,
      ),
  );
  const template = upstream && containerTemplate(upstream, scene);
  const companion = template?.companions.find((each) => each.template === adapter.planned.template);
  const name = upstream?.planned.name;
  if (!companion || name === undefined) return adapter.keys;
  return overlaid(filled(companion.service, name), withModel(adapter.keys, adapter.found));
}

/** The model that the old adapter took where none was named. */
function withModel(
  keys: Readonly<Record<string, unknown>>,
  found: FoundService | undefined,
): Readonly<Record<string, unknown>> {
  const model = found?.settings["INVOKEAI_DEFAULT_MODEL"]?.value;
  return typeof model === "string" && model !== ""
    ? overlaid(keys, { environment: { DEFAULT_MODEL: model } })
    : keys;
}

function containerTemplate({ planned, found }: Placed, scene: Scene): Template | undefined {
  return planned.becomes === "container" && found ? templateOf(found, scene) : undefined;
}

function hasIts({ host }: FoundService, template: string, placed: readonly Placed[]): boolean {
  return placed.some((other) => other.found?.host === host && other.planned.template === template);
}

function companionOf(
  companion: Template["companions"][number],
  {
    found,
    name: service,
    taken,
  }: Readonly<{ found: FoundService; name: string; taken: ReadonlySet<string> }>,
  scene: Scene,
): Placed {
  const wanted = companion.name
    .replaceAll("{service}", service)
    .replaceAll("{template}", companion.template);
  const name = freeName(wanted, taken);
  const template = scene.catalog.find(({ id }) => id === companion.template);
  const port = template?.service["port"];
  const keys = { template: companion.template, ...filled(companion.service, service) };
  return {
    keys: companion.template === "image-adapter" ? withModel(keys, found) : keys,
    planned: {
      from: found.name,
      host: found.host,
      at: found.at,
      becomes: "container",
      name,
      template: companion.template,
      because: `it comes with ${service}`,
      settings: { taken: [], left: [] },
    },
    ...(typeof port === "number" && { url: `http://${name}:${String(port)}` }),
  };
}

function filled(
  keys: Readonly<Record<string, unknown>>,
  service: string,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [key, filledValue(value, service)]),
  );
}

function filledValue(value: unknown, service: string): unknown {
  if (typeof value === "string") return value.replaceAll("{service}", service);
  if (Array.isArray(value)) return value.map((item) => filledValue(item, service));
  return isRecord(value) ? filled(value, service) : value;
}
