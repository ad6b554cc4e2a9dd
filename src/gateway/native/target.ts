/** What a request for `/services/<id>/…` points at. Pure; the path stays byte for byte as it came. */

/** A service, and the path (with its query) at that service's root. */
export type Target = Readonly<{ service: string; path: string }>;

/** Where the services' own interfaces are. */
export const servicesPrefix = "/services/";

/** Whether a request target is one for a service's own interface. */
export function isForService(target: string): boolean {
  return target.startsWith(servicesPrefix);
}

/** Reads a request target; undefined when it climbs out of the service's paths, or could be taken to. */
export function readTarget(target: string): Target | undefined {
  const [, service = "", rest = ""] = /^\/services\/([^/?]*)(.*)$/s.exec(target) ?? [];
  const query = rest.indexOf("?");
  const path = query === -1 ? rest : rest.slice(0, query);
  if (climbs(path)) return undefined;
  return { service, path: rest.startsWith("/") ? rest : `/${rest}` };
}

/** Servers differ in what they decode before they resolve `..`: every reading counts, a twice encoded one too. */
function climbs(path: string): boolean {
  const plain = path
    .replaceAll(/%(?:25)*2e/gi, ".")
    .replaceAll(/%(?:25)*2f/gi, "/")
    .replaceAll(/%(?:25)*5c/gi, "/")
    .replaceAll("\\", "/");
  return plain.split("/").some((segment) => /^\.{1,2}(?:;|$)/.test(segment));
}
