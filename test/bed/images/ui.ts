/** Stand-ins for what surrounds the models, each with the start scripts that its template calls by name. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { imagesOf } from "../../../src/catalog/template.ts";
import { findTemplate, readCatalog } from "../../../src/catalog/catalog.ts";
import { repository } from "../places.ts";
import { prometheusProgram } from "../prometheus.ts";
import { programLayer } from "./base.ts";
import { appletEntries, type Entry, executableEntries, type Layer, layerOf } from "./layer.ts";
import type { Image, ImageSettings } from "./registry.ts";

const search = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What these images are called: their templates' ids. */
export const uiPrograms = ["open-webui", "searxng", "grafana", "prometheus"] as const;

type Frame = Readonly<{ entries: readonly Entry[]; settings: ImageSettings }>;

const script = (path: string, line: string): Entry => ({
  kind: "file",
  path,
  content: `#!/bin/sh\n${line}\n`,
  mode: 0o755,
});
const start = "exec node /stand-in.mjs";
const tools = appletEntries(["usr/bin/base64"]);

const frames: Readonly<Record<Exclude<(typeof uiPrograms)[number], "prometheus">, Frame>> = {
  "open-webui": {
    entries: [
      ...tools,
      script("bin/bash", 'exec /bin/sh "$@"'),
      script("app/backend/start.sh", start),
      { kind: "directory", path: "app/backend/data" },
    ],
    settings: { cmd: ["bash", "start.sh"], workingDir: "/app/backend", exposedPorts: ["8080/tcp"] },
  },
  searxng: {
    entries: [
      ...tools,
      script("usr/local/searxng/entrypoint.sh", start),
      { kind: "directory", path: "var/cache/searxng", uid: 977 },
    ],
    settings: { entrypoint: ["/usr/local/searxng/entrypoint.sh"], exposedPorts: ["8080/tcp"] },
  },
  grafana: {
    entries: [
      script("run.sh", start),
      { kind: "directory", path: "var/lib/grafana", uid: 472 },
      { kind: "directory", path: "etc/grafana/provisioning", uid: 472 },
    ],
    settings: { user: "472:0", entrypoint: ["/run.sh"], exposedPorts: ["3000/tcp"] },
  },
};

/** One image each, under the names that the templates pin; Prometheus is Debian's own. */
export async function uiImages(base: readonly Layer[]): Promise<readonly Image[]> {
  const catalog = await readCatalog(join(repository, "templates"));
  const namesOf = (id: string): readonly string[] => {
    const template = findTemplate(catalog, id);
    const built = template.service["build"] !== undefined;
    const names = built ? basesIn(join(template.directory, "Dockerfile")) : imagesOf(template);
    return names.map((name) => name.replace(/^ghcr\.io\//, ""));
  };
  const framed = Object.entries(frames).map(async ([id, { entries, settings }]): Promise<Image> => {
    const layers = [...base, await programLayer(id), await layerOf(entries)];
    return { names: namesOf(id), layers, settings: { env: [search], ...settings } };
  });
  return [await prometheusImage(namesOf("prometheus")), ...(await Promise.all(framed))];
}

/** The images that a Dockerfile begins with. */
function basesIn(file: string): readonly string[] {
  return [...readFileSync(file, "utf8").matchAll(/^FROM (\S+)$/gm)].map(([, name = ""]) => name);
}

async function prometheusImage(names: readonly string[]): Promise<Image> {
  const layer = await layerOf([
    ...executableEntries(prometheusProgram, "bin/prometheus"),
    { kind: "directory", path: "tmp", mode: 0o1777 },
    { kind: "directory", path: "prometheus", uid: 65_534 },
    { kind: "file", path: "etc/passwd", content: "nobody:x:65534:65534::/:/bin/false\n" },
  ]);
  const settings = {
    user: "65534",
    entrypoint: ["/bin/prometheus"],
    workingDir: "/prometheus",
    volumes: ["/prometheus"],
    exposedPorts: ["9090/tcp"],
  };
  return { names, layers: [layer], settings };
}
