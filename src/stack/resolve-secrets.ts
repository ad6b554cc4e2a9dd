/** Where the files are that a service reads below /run/secrets. Pure. */
import { join } from "node:path";
import type { ServiceSpec } from "./schema/service.ts";
import type { ContainerService } from "./stack.ts";

/** What a service's own key of the gateway is called there. */
export const gatewayKeyName = "gateway_key";

/** What of its surroundings says where they lie. */
export type SecretPlaces = Readonly<{
  directory: string;
  /** Absolute path by secret, where the stack file names one. */
  secrets: Readonly<Record<string, string>>;
}>;

/** A secret is a file under `.nexus/secrets/` unless the stack file says where; a service's own key lies where every saved key does, under the service's name. */
export function resolveSecrets(
  service: string,
  { secrets: names = [], gateway_key: wantsKey }: ServiceSpec,
  { directory, secrets }: SecretPlaces,
): Pick<ContainerService, "secrets" | "gatewayKey"> {
  const folder = join(directory, ".nexus", "secrets");
  return {
    secrets: names.map((name) => ({ name, file: secrets[name] ?? join(folder, name) })),
    ...(wantsKey && { gatewayKey: { name: gatewayKeyName, file: join(folder, `${service}.key`) } }),
  };
}
