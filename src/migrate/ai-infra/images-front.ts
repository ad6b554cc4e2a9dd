/** nginx before the images shim: ai-infra put it there, and others reach the shim through its port alone. */
import { readNginxSite, type NginxServer } from "../read/nginx-site.ts";
import type { Found, NotUnderstood } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import { isLoopback, targetOf, type Address } from "./address.ts";
import { isLeftover } from "./paths.ts";
import { readFile } from "./read-file.ts";
import type { Part } from "./part.ts";

/** Where nginx listens, and the port of this machine that it passes requests for images on to. */
export type ImagesFront = Readonly<{ front: Found<Address>; port: number }>;

const folders = ["/etc/nginx/sites-enabled", "/etc/nginx/conf.d", "/etc/nginx/servers"];

/** Looks through the sites that are enabled; of those that pass no images on nothing is told. */
export async function findImagesFront(
  tree: SourceTree,
): Promise<Readonly<{ found?: ImagesFront; part: Part }>> {
  const notUnderstood: NotUnderstood[] = [];
  const fronts: ImagesFront[] = [];
  for (const path of await sitesOf(tree)) {
    const site = await readFile(tree, path, readNginxSite);
    const found = (site?.found.servers ?? []).flatMap(frontOf);
    if (found.length > 0) notUnderstood.push(...(site?.notUnderstood ?? []));
    fronts.push(...found);
  }
  const [found] = fronts;
  return { ...(found && { found }), part: { notUnderstood } };
}

async function sitesOf(tree: SourceTree): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const folder of folders)
    for (const { path, kind } of await tree.list(folder))
      if (kind === "file" && !isLeftover(path)) paths.push(path);
  return paths;
}

function frontOf({ listens, locations }: NginxServer): readonly ImagesFront[] {
  const images = locations.find(({ match }) => match.includes("/v1/images"));
  const target = targetOf(images?.pass?.value ?? "");
  const [listen] = listens;
  if (!target || !isLoopback(target.host) || !listen) return [];
  const { address = "0.0.0.0", port } = listen.value;
  return [{ front: { value: { address, port }, at: listen.at }, port: target.port }];
}
