/** Where the ancestor's gateway kept its databases and files. Pure. */
import { resolve } from "node:path";
import type { Definition } from "../compose/layers.ts";
import type { ComposeProject } from "../compose/read.ts";
import { mountsOf } from "./settings.ts";

/** A folder of this machine or a volume, mounted in the container of a service. */
export type OldData = Readonly<{
  /** Name of the gateway's service. */
  service: string;
  /** Absolute in the container. */
  target: string;
}> &
  (
    | Readonly<{ /** Absolute. */ folder: string; volume?: undefined }>
    | Readonly<{ /** Its key in the project. */ volume: string; folder?: undefined }>
  );

/** Of the gateways that came later, and of the first one. */
const targets = ["/var/lib/gateway/data", "/data"];

/** Where the data is; undefined for a gateway that kept none outside of its container. */
export function dataOf(
  { directory, variables }: Pick<ComposeProject, "directory" | "variables">,
  gateway: Definition | undefined,
): OldData | undefined {
  if (!gateway) return undefined;
  const mounts = mountsOf(gateway, variables);
  const found = targets.flatMap((wanted) => mounts.filter(([, target]) => target === wanted))[0];
  if (!found) return undefined;
  const [source, target] = found;
  const place = { service: gateway.name, target };
  return /^[./~]/.test(source)
    ? { ...place, folder: resolve(directory, source) }
    : { ...place, volume: source };
}
