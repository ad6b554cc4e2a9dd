/** Stand-ins for the software that templates name: each program under every image that its template pins. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { imagesOf } from "../../../src/catalog/template.ts";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import { repository } from "../places.ts";
import { programLayer } from "./base.ts";
import { type Entry, type Layer, layerOf } from "./layer.ts";
import type { Image, ImageSettings } from "./registry.ts";
import { uiPrograms } from "./ui.ts";

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** How a stand-in's image differs from `node /stand-in.mjs` as root. */
const settings: Readonly<Record<string, ImageSettings>> = {
  speaches: { user: "1000:1000" },
  whispercpp: { entrypoint: ["bash", "-c"], workingDir: "/app" },
};

/** What an image holds beside its stand-in, because a container counts on it. */
const extras: Readonly<Record<string, readonly Entry[]>> = {
  // Its template starts this one, not the image's own entrypoint.
  sdcpp: [program("sd-server", '#!/bin/sh\nexec node /stand-in.mjs "$@"\n')],
  speaches: [{ kind: "directory", path: "home/ubuntu/.cache/huggingface/hub", uid: 1000 }],
  whispercpp: [
    program("bin/bash", '#!/bin/sh\nexec /bin/sh "$@"\n'),
    program("app/build/bin/whisper-server", '#!/bin/sh\nexec node /stand-in.mjs "$@"\n'),
    program(
      "app/models/download-ggml-model.sh",
      readFileSync(
        join(repository, "test/bed/stand-ins/whispercpp/download-ggml-model.sh"),
        "utf8",
      ),
    ),
    { kind: "link", path: "usr/local/bin/whisper-server", target: "/app/build/bin/whisper-server" },
  ],
};

/** Made elsewhere: these stand-ins have images of their own. */
const elsewhere = new Set<string>(["ollama", ...uiPrograms]);

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
        layers: [...base, await programLayer(template.id), ...(await extraLayers(template.id))],
        settings: { env: [path], entrypoint: ["node", "/stand-in.mjs"], ...own },
      };
    }),
  );
}

async function extraLayers(id: string): Promise<readonly Layer[]> {
  const entries = extras[id];
  return entries === undefined ? [] : [await layerOf(entries)];
}

function program(place: string, content: string): Entry {
  return { kind: "file", path: place, content, mode: 0o755 };
}

/** `ghcr.io/a/b:1` is kept as `a/b:1`: the bed's registry answers under every name. Docker Hub's own are in `library/`. */
function withoutRegistry(image: string): string {
  const [first = "", ...rest] = image.split("/");
  if (rest.length === 0) return `library/${first}`;
  return first.includes(".") ? rest.join("/") : image;
}
