/** A name of the gateway while it is planned. */
import type { Place } from "../reading.ts";
import type { Placed } from "./placed.ts";

/** An alias as the stack file is to have it. */
export type PlannedAlias = Readonly<{
  name: string;
  /** Service and model that it leads to, as far as no condition of `more` decides. */
  service: string;
  model: string;
  at?: Place;
  /** Further keys beside `to`. */
  more: Readonly<Record<string, unknown>>;
}>;

/** Whether the gateway can take a name; what begins with a service and a slash is a model of that service. */
export function isAliasName(name: string, services: ReadonlySet<string>): boolean {
  const [first = "", rest] = name.split(/\/(.*)/s);
  const plain = /^[\w.:@+-]+(?:\/[\w.:@+-]+)*$/.test(name);
  return plain && (rest === undefined || !services.has(first));
}

/** The names of the services of the stack. */
export function servicesIn(placed: readonly Placed[]): ReadonlySet<string> {
  return new Set(placed.flatMap(({ planned }) => planned.name ?? []));
}
