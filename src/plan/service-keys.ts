/** Keys of the gateway that services have of their own: who needs one made, or made known again. */
import type { ContainerService, SecretFile } from "../stack/stack.ts";
import { ServiceKeyTakenError } from "./errors.ts";
import { gatewayGate } from "./gates.ts";
import { containerServices } from "./member.ts";
import { actionId, firstKeyId } from "./names.ts";
import type { Action, KnownKey, ServiceKey } from "./plan.ts";
import type { Scene } from "./scene.ts";

/** Everything that a service reads below /run/secrets. */
export function secretFilesOf({ secrets, gatewayKey }: ContainerService): readonly SecretFile[] {
  return gatewayKey ? [...secrets, gatewayKey] : secrets;
}

/** The id of the action that gives a service its key. */
export function grantKeyId(service: string): string {
  return actionId("grant-key", service);
}

/** Makes the keys that are missing and tells the gateway those that it does not know. Throws {@link ServiceKeyTakenError}. */
export function serviceKeyActions(scene: Scene): readonly Action[] {
  const { stack } = scene.input;
  const services = containerServices(stack).filter(({ gatewayKey }) => gatewayKey);
  return services.flatMap(({ name }) => {
    const because = grantBecause(name, scene);
    if (because === undefined) return [];
    const action: Action = {
      kind: "grant-key",
      id: grantKeyId(name),
      // The user's key is made only where the gateway has none at all, so it comes first.
      after: [gatewayGate(scene), firstKeyId],
      because,
      service: name,
      name,
      folder: stack.directory,
    };
    return [action];
  });
}

/** Why a service's key has to be made or made known; undefined when it is in order. */
function grantBecause(service: string, { input }: Scene): string | undefined {
  const own = input.serviceKeys[service];
  const known = input.gateway.keys?.find(({ name }) => name === service);
  const objection = known && objectionTo(known, own);
  if (objection !== undefined) throw new ServiceKeyTakenError(service, objection);
  if (known) return undefined;
  return own?.saved ? "the gateway has to know its key" : "it gets a key of its own";
}

/** Why a key that the gateway knows is not the service's, as the end of a sentence. */
function objectionTo(known: KnownKey, own: ServiceKey | undefined): string | undefined {
  if (!own?.saved || known.digest !== own.digest) return "it is not the one that the service has";
  return known.scopes.includes("admin") ? "it may do everything (scope admin)" : undefined;
}
