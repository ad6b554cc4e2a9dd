/** The certificate of the gateway's API, as part of what is planned. */
import { certificateDigest, type GatewayConfig } from "../gateway/config.ts";
import type { StackReadiness } from "../gateway/protocol.ts";

/** The configuration with the certificate that the gateway presents now, whatever is wanted. */
export function withPresented(config: GatewayConfig, readiness: StackReadiness): GatewayConfig {
  const { tls: _, ...others } = config;
  const certificate = presented(readiness);
  return certificate === undefined ? others : { ...others, tls: { certificate } };
}

/** Why the gateway needs another certificate than the one it presents; undefined when that is the one wanted. */
export function certificateBecause(
  { tls }: GatewayConfig,
  readiness: StackReadiness,
): string | undefined {
  const old = presented(readiness);
  if (old === tls?.certificate) return undefined;
  if (tls === undefined) return "it has a certificate no more";
  return old === undefined ? "it has a certificate now" : "its certificate changed";
}

function presented({ certificate }: StackReadiness): string | undefined {
  return certificate === undefined ? undefined : certificateDigest(certificate);
}
