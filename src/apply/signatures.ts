/** What is known of the last words of a stack's services. */
import type { LogSignature, Stack } from "../stack/stack.ts";

/** Log signatures by service. */
export type Signatures = Readonly<Record<string, readonly LogSignature[]>>;

/** The signatures that templates and the stack file give, by service. */
export function signaturesOf({ services }: Stack): Signatures {
  return Object.fromEntries(
    services.flatMap((service) =>
      service.kind === "container" && service.signatures
        ? [[service.name, service.signatures]]
        : [],
    ),
  );
}
