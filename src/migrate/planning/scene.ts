/** What planning looks at, and what its parts have to tell. Pure. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { FoundHost, Inventory } from "../inventory.ts";
import type { Choices, Decision, Target } from "../migration-plan.ts";
import type { Found } from "../reading.ts";

/** All that a plan is made from. */
export type Scene = Readonly<{
  inventory: Inventory;
  choices: Choices;
  target: Target;
  catalog: Catalog;
}>;

/** What a part of the plan tells beside its result. */
export type Told = Readonly<{
  decisions?: readonly Decision[];
  warnings?: readonly Found<string>[];
  obstacles?: readonly string[];
}>;

/** Whether the services of a host become containers of the stack. */
export function isHere(host: string, { choices }: Pick<Scene, "choices">): boolean {
  return choices.here.includes(host);
}

/** A host by its short name. */
export function hostNamed(name: string, { inventory }: Scene): FoundHost | undefined {
  return inventory.hosts.find((host) => host.name === name);
}

/** Whether an address is only heard on the machine itself. */
export function isLoopback(address: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/i.test(address);
}

/** Whether an address means every interface of the machine. */
export function isEverywhere(address: string): boolean {
  return /^(?:0\.0\.0\.0|\[?::\]?|\*|)$/.test(address);
}

/** The first of these names that is not taken: itself, else with a number behind it. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let index = 2; ; index += 1) {
    const candidate = `${name}-${String(index)}`;
    if (!taken.has(candidate)) return candidate;
  }
}
