/** Where an upstream sends its clients, as they may be told: never an address behind the gateway. */
import type { Headers } from "../api/headers.ts";
import { servicesPrefix } from "./target.ts";

/** What was asked, and of whom. */
export type Asked = Readonly<{ service: string; origin: string; path: string }>;

/** The place a `Location` names, as a path at the gateway; undefined when it is not one of the asked service's own. */
export function locationAtGateway(location: string, asked: Asked): string | undefined {
  const base = asked.origin + asked.path;
  const place = URL.canParse(location, base) ? new URL(location, base) : undefined;
  if (place?.origin !== asked.origin) return undefined;
  return `${servicesPrefix}${asked.service}${place.pathname}${place.search}${place.hash}`;
}

/** Headers whose `Location`, if there is one, a client can use; one that leads elsewhere is left out. */
export function withoutInside(headers: Headers, asked: Asked): Headers {
  const { location, ...rest } = headers;
  const place = location === undefined ? undefined : locationAtGateway(String(location), asked);
  return place === undefined ? rest : { ...rest, location: place };
}
