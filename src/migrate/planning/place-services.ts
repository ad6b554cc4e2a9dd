/** Decides what becomes of every service: a container of the stack, an external service, or left out. Pure. */
import type { FoundService } from "../inventory.ts";
import type { Decision, PlannedService } from "../migration-plan.ts";
import { adapterKeys, companionsFor } from "./companions.ts";
import { containerKeys } from "./container-keys.ts";
import { type ExternalPlace, externalKeys, externalPlace } from "./external-place.ts";
import type { Placed } from "./placed.ts";
import { freeName, hostNamed, isLoopback, type Scene } from "./scene.ts";
import { templateOf, whyNotContainer } from "./why-not-container.ts";

/** Every service of the inventory, in its order, then those that come with them. */
export function placeServices(scene: Scene): readonly Placed[] {
  const placed: Placed[] = [];
  const taken = new Set(["gateway"]);
  for (const found of scene.inventory.services) {
    const name = freeName(nameOf(found, scene), taken);
    const next = placeOne(found, name, scene);
    if (next.planned.name !== undefined) taken.add(name);
    placed.push(next);
  }
  const told = placed.map((each) => ({ ...each, keys: adapterKeys(each, placed, scene) }));
  return [...told, ...companionsFor(told, scene)];
}

/** What of the placing a person has to know or decide. */
export function placingTold(
  placed: readonly Placed[],
  scene: Scene,
): Readonly<{ decisions: readonly Decision[] }> {
  const unreachable = placed.flatMap(({ found }) => {
    const place = found && externalPlace(found, scene);
    if (!found || place?.kind !== "unreachable" || !isLeftOut(found, placed)) return [];
    return [{ found, because: place.because }];
  });
  return {
    decisions: unreachable.map(({ found, because }) => ({
      id: `reach-${found.host}-${found.name}`,
      question: `How shall the gateway reach ${found.name} of ${found.host}, while ${because}?`,
      assumed: "it is left out",
      otherwise: "have it listen on an address of the network, and run this again",
      at: found.at,
    })),
  };
}

function isLeftOut(found: FoundService, placed: readonly Placed[]): boolean {
  return placed.some((each) => each.found === found && each.planned.becomes === "left-out");
}

/** As it was called; with its host's name where others are called so too. */
function nameOf({ name, host }: FoundService, scene: Scene): string {
  const namesakes = scene.inventory.services.filter((other) => other.name === name);
  const first = namesakes.find((other) => isAsked(other, scene)) ?? namesakes[0];
  return plainName(first?.host === host ? name : `${name}-${host}`, scene.choices.stack);
}

/** Whether the old gateway's own settings lead to it. */
function isAsked({ host, listens }: FoundService, scene: Scene): boolean {
  const { gateway, urls } = scene.inventory;
  const names = hostNamed(host, scene)?.names ?? [host];
  return urls.some(({ value, at }) => {
    if (at.host !== gateway?.host || !URL.canParse(value.url)) return false;
    const { hostname, port } = new URL(value.url);
    const meant = names.includes(hostname) || (isLoopback(hostname) && host === at.host);
    return meant && Number(port) === listens?.port;
  });
}

/** Together with the stack's name it has to fit a host name; what begins with `x-` is no service in a stack file. */
function plainName(text: string, stack: string): string {
  const plain = text.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-");
  const trimmed = plain.replace(/^(?:[^a-z0-9]|x-)+/, "").slice(0, Math.max(8, 50 - stack.length));
  return trimmed === "" ? "service" : trimmed;
}

function placeOne(found: FoundService, name: string, scene: Scene): Placed {
  const objection = whyNotContainer(found, scene);
  if (objection === undefined) return asContainer(found, name, scene);
  const place = externalPlace(found, scene);
  return place.kind === "reachable"
    ? asExternal(found, name, { place, objection, scene })
    : leftOut(found, `${objection}; ${place.because}`);
}

function asContainer(found: FoundService, name: string, scene: Scene): Placed {
  const template = templateOf(found, scene);
  const { keys, settings, port } = containerKeys(found, template);
  return {
    found,
    keys,
    planned: {
      ...origin(found),
      becomes: "container",
      name,
      ...(template && { template: template.id }),
      because: `${template?.title ?? found.name} runs as a container of the stack`,
      settings,
    },
    ...(port !== undefined && { url: `http://${name}:${String(port)}` }),
  };
}

function asExternal(
  found: FoundService,
  name: string,
  {
    place,
    objection,
    scene,
  }: Readonly<{
    place: Extract<ExternalPlace, { kind: "reachable" }>;
    objection: string;
    scene: Scene;
  }>,
): Placed {
  const keys = externalKeys(found, place, scene);
  const silent = keys["ready"] !== undefined;
  return {
    found,
    keys,
    comment: `${found.name} of ${found.host}: ${objection}.${silent ? " It did not answer when this was written; take `ready` away once it does." : ""}`,
    planned: {
      ...origin(found),
      becomes: "external",
      name,
      url: place.url,
      because: objection,
      settings: { taken: [], left: [] },
    },
    url: place.url,
  };
}

function leftOut(found: FoundService, because: string): Placed {
  return {
    found,
    keys: {},
    planned: {
      ...origin(found),
      becomes: "left-out",
      because,
      settings: { taken: [], left: [] },
    },
  };
}

function origin({ name, host, at }: FoundService): Pick<PlannedService, "from" | "host" | "at"> {
  return { from: name, host, at };
}
