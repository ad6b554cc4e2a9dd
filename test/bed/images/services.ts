/** Stand-ins for the software that templates name: each program under every image that its template pins. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { imagesOf } from "../../../src/catalog/template.ts";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import { repository } from "../places.ts";
import { programLayer } from "./base.ts";
import type { Layer } from "./layer.ts";
import type { Image, ImageSettings } from "./registry.ts";

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How a stand-in's image differs from `node /stand-in.mjs` as root. */
const settings: Readonly<Record<string, ImageSettings>> = {};

/** Made elsewhere: these stand-ins have images of their own. */
const elsewhere = new Set(["ollama"]);

/** One image for every template that has a stand-in of its name. */
export async function serviceImages(base: readonly Layer[]): Promise<readonly Image[]> {
  const programs = new Set(readdirSync(join(repository, "test/bed/stand-ins")));
  const templates = (await readCatalog(join(repository, "templates"))).filter(
    ({ id }) => programs.has(id) && !elsewhere.has(id),
  );
  return Promise.all(
    templates.map(async (template): Promise<Image> => {
      const own = settings[template.id] ?? {};
      return {
        names: imagesOf(template).map(withoutRegistry),
        layers: [...base, await programLayer(template.id)],
        settings: { env: [path], entrypoint: ["node", "/stand-in.mjs"], ...own },
      };
    }),
  );
}

/** `ghcr.io/a/b:1` is kept as `a/b:1`: the bed's registry answers under every name. Docker Hub's own are in `library/`. */
function withoutRegistry(image: string): string {
  const [first = "", ...rest] = image.split("/");
  if (rest.length === 0) return `library/${first}`;
  return first.includes(".") ? rest.join("/") : image;
}
