/** Where a service that goes on outside of the stack is reached by the gateway. Pure. */
import { capabilities } from "../../stack/schema/capabilities.ts";
import type { FoundHost, FoundService } from "../inventory.ts";
import { addressSettings } from "./backends.ts";
import { hostNamed, isLoopback, type Scene } from "./scene.ts";
import { whyNotContainer } from "./why-not-container.ts";

/** An address for the gateway, or why there is none, as a part of a sentence. */
export type ExternalPlace = Readonly<
  | { kind: "reachable"; url: string; address: string }
  | { kind: "unreachable"; because: string }
  | { kind: "none"; because: string }
>;

/** The name by which containers reach the machine that they run on. */
const thisMachine = "host.docker.internal";

/** Where the gateway finds a service of the old installation. */
export function externalPlace(found: FoundService, scene: Scene): ExternalPlace {
  const { listens, host, name } = found;
  if (!listens)
    return found.provides.length === 0
      ? { kind: "none", because: "it serves nobody, and goes on where it runs" }
      : { kind: "unreachable", because: `it is not known where ${name} listens` };
  const machine = hostNamed(host, scene);
  const hidden = isLoopback(listens.address) && !seesLoopback(machine);
  const front = hidden ? frontAddress(found, machine, scene) : undefined;
  if (front !== undefined) return { kind: "reachable", url: `http://${front}`, address: front };
  if (hidden)
    return {
      kind: "unreachable",
      because: `it listens on ${listens.address} of ${host} only, where no container hears it`,
    };
  const hostname = machine?.live === true ? thisMachine : calledAs(machine, host, scene);
  const address = `${hostname}:${String(listens.port)}`;
  return URL.canParse(`http://${address}/`)
    ? { kind: "reachable", url: `http://${address}`, address }
    : { kind: "unreachable", because: `${host} is no name that an address can have` };
}

/** Where the old gateway reached what only its own host hears: a proxy in front of it. */
function frontAddress(
  { name, template, host }: FoundService,
  machine: FoundHost | undefined,
  scene: Scene,
): string | undefined {
  const { gateway, urls } = scene.inventory;
  const settings = addressSettings([name, template]);
  const asked = urls
    .filter(({ value, at }) => settings.includes(value.setting) && at.host === gateway?.host)
    .flatMap(({ value }) => (URL.canParse(value.url) ? new URL(value.url) : []));
  const front = asked.find(
    ({ hostname, protocol }) =>
      protocol === "http:" &&
      (machine?.names ?? [host]).includes(hostname) &&
      !isLoopback(hostname),
  );
  return front && `${front.hostname}:${front.port === "" ? "80" : front.port}`;
}

/** The name by which the old installation itself reached a host, where it did; else what the host is called. */
function calledAs(machine: FoundHost | undefined, host: string, { inventory }: Scene): string {
  const names = new Set(machine?.names.map((name) => name.toLowerCase()) ?? []);
  const used = inventory.urls
    .filter(({ at, value }) => at.host !== host && URL.canParse(value.url))
    .map(({ value }) => new URL(value.url).hostname.toLowerCase());
  return used.find((name) => names.has(name) && !isLoopback(name)) ?? host;
}

/** `host:port` of every service that goes on outside of the stack, each once. */
export function outsideAddresses(scene: Scene): readonly string[] {
  const outside = scene.inventory.services.filter(
    (found) => whyNotContainer(found, scene) !== undefined,
  );
  const places = outside.map((found) => externalPlace(found, scene));
  return [...new Set(places.flatMap((place) => (place.kind === "reachable" ? place.address : [])))];
}

/** Docker on a Mac passes connections on to the Mac's own loopback; on Linux containers cannot reach it. */
function seesLoopback(machine: FoundHost | undefined): boolean {
  return machine?.live === true && machine.os === "macos";
}

/** What the ancestor's services answer honestly, by their names there; others are asked for their models. */
const probes: ReadonlyMap<string, string> = new Map([
  ["heartmula", "/readyz"],
  ["luxtts", "/readyz"],
  ["qwen3-tts", "/health"],
  ["pocket-tts", "/healthz"],
  ["sdxl-turbo", "/health"],
  ["lighton-ocr", "/readyz"],
  ["personaplex", "/readyz"],
  ["followyourcanvas", "/readyz"],
  ["skyreels-v2", "/readyz"],
  ["vibevoice-asr", "/readyz"],
  ["invokeai", "/readyz"],
  ["invokeai-openai-images-shim", "/readyz"],
]);

/** The keys of an external service. */
export function externalKeys(
  found: FoundService,
  { url, address }: Extract<ExternalPlace, { kind: "reachable" }>,
  { target, catalog }: Scene,
): Readonly<Record<string, unknown>> {
  const provides = capabilities.filter((each) => found.provides.includes(each));
  const probe = probes.get(found.name);
  const path = /^(?:\/.*[^/])?$/.test(found.apiPath) ? found.apiPath : "/v1";
  return {
    ...(isForOutside(found.template, catalog) && { template: found.template }),
    external: `${url}${path}`,
    ...(path === "" && { api_path: "" }),
    ...(provides.length > 0 && { provides }),
    ...(probe !== undefined && { probe: { path: probe } }),
    ...((target.silent ?? []).includes(address) && { ready: "running" }),
  };
}

/** Some ready-made services are never run by Nexus, only routed to. */
function isForOutside(id: string | undefined, catalog: Scene["catalog"]): boolean {
  return (
    catalog.find((each) => each.id === id)?.asks.some(({ key }) => key === "external") ?? false
  );
}
