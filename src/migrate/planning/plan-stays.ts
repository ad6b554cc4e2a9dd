/** Stores of models that are neither copied nor shared. Pure. */
import type { FoundModelStore } from "../inventory.ts";
import type { Staying } from "../migration-plan.ts";
import type { Placed } from "./placed.ts";
import { storeOf } from "./plan-models.ts";
import type { Scene } from "./scene.ts";

/** Every store that no container of the stack gets, with what to do. */
export function planStays(placed: readonly Placed[], scene: Scene): readonly Staying[] {
  const used = new Set(
    scene.choices.models === "pull"
      ? []
      : placed.flatMap((each) =>
          each.planned.becomes === "container" ? (storeOf(each, scene) ?? []) : [],
        ),
  );
  return scene.inventory.models
    .filter((store) => !used.has(store))
    .map((store) => ({
      what: `models of ${store.service}`,
      host: store.host,
      path: store.path,
      bytes: store.bytes,
      because: whyItStays(store, placed),
    }));
}

function whyItStays({ service, host }: FoundModelStore, placed: readonly Placed[]): string {
  const owner = placed.find(({ found }) => found?.name === service && found.host === host);
  if (owner?.planned.becomes === "container")
    return `${owner.planned.name ?? service} begins with a volume of its own: what it needs is fetched again, or copied into that volume by hand`;
  return owner ? `${service} goes on there, with them` : "no service uses them";
}
