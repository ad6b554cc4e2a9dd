/** Which services speak Anthropic's API themselves. */
import type { Endpoint } from "../api/endpoints.ts";
import { isRecord } from "../json.ts";
import type { Monitor } from "../upstreams/monitor.ts";

/** Whether a service answers an endpoint of Anthropic's API itself: the stack says so, or its own metadata does. */
export function servesNatively({ upstream, sighting }: Monitor, endpoint: Endpoint): boolean {
  if (endpoint.translatedFor === undefined) return false;
  if (endpoint.capabilities.some((one) => upstream.provides.includes(one))) return true;
  const listed = sighting.metadata?.["endpoints"];
  return (
    Array.isArray(listed) && listed.some((one) => isRecord(one) && one["path"] === endpoint.path)
  );
}
