/** What things are called on the engine, and the ids of the actions done to them. */

/** The name under which the gateway stands among the services of a plan. */
export const gatewayName = "gateway";

/** `home-ollama-2`: unique per replacement, so that nothing is ever renamed. */
export function containerName(stack: string, service: string, generation: number): string {
  return `${stack}-${service}-${generation}`;
}

/** The network of the gateway and of every service that may reach the outside. */
export function stackNetwork(stack: string): string {
  return stack;
}

/** The network without a way out, for services with `egress: false` and those they talk to. */
export function internalNetwork(stack: string): string {
  return `${stack}-internal`;
}

/** The volume that holds the gateway's configuration and key digests. */
export function gatewayVolume(stack: string): string {
  return `${stack}-${gatewayName}`;
}

/** The volume through which a service gets its secret files. */
export function secretsVolume(stack: string, service: string): string {
  return `${stack}-${service}-secrets`;
}

/** Where a container answers inside the stack's networks. */
export function containerUrl(container: string, port: number): string {
  return `http://${container}:${port}`;
}

/** What the key is called that the first `up` makes. */
export const firstKeyName = "default";

/** The id of the action that makes it. */
export const firstKeyId = `create-key ${firstKeyName}`;

/** The id of the action that configures the gateway; there is at most one in a plan. */
export const configureId = `configure ${gatewayName}`;

/** The id of an action on one thing: `start home-ollama-1`. */
export function actionId(kind: string, ...subject: readonly string[]): string {
  return [kind, ...subject].join(" ");
}
