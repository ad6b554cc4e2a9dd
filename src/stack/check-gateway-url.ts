/** Finds services that would ask a gateway which speaks HTTPS in plain HTTP. Pure. */
import type { Stack } from "./stack.ts";

/** The port of the API inside the stack's network. */
const plainApi = /^http:\/\/gateway:8800(?:\/|$)/;

/** A warning for every service whose environment names the API by `http://` although `gateway.tls` is set. */
export function plainApiWarnings({ gateway, services }: Stack): readonly string[] {
  if (!gateway.tls) return [];
  return services.flatMap((service) => {
    if (service.kind !== "container") return [];
    const names = Object.entries(service.environment).flatMap(([name, value]) =>
      plainApi.test(value) ? [name] : [],
    );
    return names.length === 0
      ? []
      : [
          `${service.name} asks the gateway by http:// in ${names.join(", ")}, and with \`gateway.tls\` it answers HTTPS only: set ${names.length === 1 ? "it" : "them"} to https:// and a name that the certificate has, or leave \`gateway.tls\` out and put a reverse proxy in front.`,
        ];
  });
}
