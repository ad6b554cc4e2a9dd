/** What stands in the stack for every address of the old installation. Pure. */
import type { FoundService } from "../inventory.ts";
import type { Rewrite } from "../migration-plan.ts";
import type { Found, Place } from "../reading.ts";
import type { Placed } from "./placed.ts";
import { hostNamed, isEverywhere, isLoopback, type Scene } from "./scene.ts";

/** What an address means. */
export type Meaning = Readonly<{
  /** The service that it leads to. */
  placed?: Placed;
  to?: string;
  because: string;
}>;

/** Every address with what stands for it. */
export function rewriteUrls(placed: readonly Placed[], scene: Scene): readonly Rewrite[] {
  return scene.inventory.urls.map(({ value: { setting, url }, at }) => {
    const { to, because } = meaningOf(url, at, { placed, scene });
    return {
      setting: { value: setting, at },
      from: shownUrl(url),
      ...(to !== undefined && { to }),
      because,
    };
  });
}

/** What an address in a file means: seen from the host that the file is on. */
export function meaningOf(
  text: string,
  at: Place,
  { placed, scene }: Readonly<{ placed: readonly Placed[]; scene: Scene }>,
): Meaning {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.hostname === "") return { because: "it is no address" };
  const host = hostOf(url.hostname, at, scene);
  if (host === undefined)
    return { to: shownUrl(text), because: `${url.hostname} is no host of the migration: kept` };
  return meaningOn(host, url, at, { placed, scene });
}

function meaningOn(
  host: string,
  url: URL,
  at: Place,
  { placed, scene }: Readonly<{ placed: readonly Placed[]; scene: Scene }>,
): Meaning {
  const port = portOf(url);
  if (isGateway(host, port, scene)) return { because: "it is the old gateway itself" };
  const service = serviceAt(host, port, scene);
  const next = service && placed.find(({ found }) => found === service);
  if (!service || !next)
    return { because: `no service is known on port ${String(port)} of ${host}` };
  return service.at.file === at.file && service.host === at.host
    ? { because: `it leads ${service.name} to itself` }
    : meaningOfService(frontOf(next, at, placed), url);
}

/** Whoever asked for images through one address with what makes them asks its adapter now. */
function frontOf(next: Placed, at: Place, placed: readonly Placed[]): Placed {
  if (next.planned.becomes !== "container" || next.planned.template !== "invokeai") return next;
  const adapter = placed.find(
    ({ planned }) =>
      planned.template === "image-adapter" &&
      planned.becomes === "container" &&
      planned.host === next.planned.host,
  );
  return adapter && adapter.planned.at.file !== at.file ? adapter : next;
}

function meaningOfService(placed: Placed, url: URL): Meaning {
  const { name, becomes, from, host } = placed.planned;
  if (placed.url === undefined || name === undefined)
    return { placed, because: `${from} of ${host} is left out` };
  const path = url.pathname === "/" ? "" : url.pathname;
  return {
    placed,
    to: `${placed.url}${path}`,
    because:
      becomes === "container" ? `the service ${name} of the stack` : `the external service ${name}`,
  };
}

/** The host that a name means where it stands; undefined for one that is not migrated. */
function hostOf(hostname: string, at: Place, { inventory }: Scene): string | undefined {
  const plain = bare(hostname);
  if (isLoopback(plain) || isEverywhere(plain)) return at.host;
  const named = inventory.hosts.find(({ name, names }) =>
    [name, ...names].some((each) => bare(each) === plain),
  );
  if (named) return named.name;
  return plain === "host.docker.internal" ? at.host : undefined;
}

function bare(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}

function isGateway(host: string, port: number, { inventory: { gateway } }: Scene): boolean {
  return (
    gateway?.host === host &&
    (gateway.listens.port === port || gateway.observability?.port === port)
  );
}

function serviceAt(host: string, port: number, scene: Scene): FoundService | undefined {
  return scene.inventory.services.find(
    (service) =>
      service.host === (hostNamed(host, scene)?.name ?? host) && service.listens?.port === port,
  );
}

/** An address that people may see: without what could be a secret in it. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return "[not an address]";
  const url = new URL(text);
  const login = url.username !== "" || url.password !== "" || url.pathname.includes("@");
  const hidden = login || url.search !== "";
  if (!hidden && url.hash === "") return text;
  const path = url.pathname.replaceAll(/\/[^/]*@/g, "/");
  return `${url.protocol}//${url.host}${path}${hidden ? " [and a secret]" : ""}`;
}

/** The setting of the old gateway with an address of this name, the last one of them. */
export function gatewayUrl(
  settings: readonly string[],
  { inventory: { urls, gateway } }: Scene,
): Found<Readonly<{ setting: string; url: string }>> | undefined {
  return urls.findLast(
    ({ value, at }) => settings.includes(value.setting) && at.host === gateway?.host,
  );
}
