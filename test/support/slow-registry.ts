/** A registry that hands out one image of the bed's, with a layer on top that nobody has and that arrives slowly. */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { openRegistry } from "../bed/bed.ts";
import { digestOf, layerOf, type Layer } from "../bed/images/layer.ts";

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** The image on offer; its tag can be moved to other content. */
export interface SlowRegistry extends AsyncDisposable {
  /** The reference to pull, `127.0.0.1:<port>/<repository>:<tag>`. */
  readonly image: string;
  /** From now on the tag means an image with another layer on top. */
  moveTag(): Promise<void>;
}

type Manifest = {
  config: { size: number; digest: string };
  layers: { mediaType: string; size: number; digest: string }[];
};
type Config = { rootfs: { diff_ids: string[] }; history: unknown[] };
type Offer = Readonly<{ manifest: string; digest: string; blobs: ReadonlyMap<string, Buffer> }>;

/** Serves `from` (`repository:tag` of the open registry) with `bytes` more, at `bytesPerSecond`. */
export async function startSlowRegistry(
  from: string,
  { bytes, bytesPerSecond }: Readonly<{ bytes: number; bytesPerSecond: number }>,
): Promise<SlowRegistry> {
  const [repository = "", tag = ""] = from.split(":");
  let offer = await offerOf(repository, tag, bytes);
  const server = createServer((request, response) => {
    void answer(offer, repository, { request, response, bytesPerSecond });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    image: `127.0.0.1:${port}/${from}`,
    moveTag: async () => {
      offer = await offerOf(repository, tag, bytes);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

async function offerOf(repository: string, tag: string, bytes: number): Promise<Offer> {
  const base = (await fetchJson(`${repository}/manifests/${tag}`)) as Manifest;
  const config = (await fetchJson(`${repository}/blobs/${base.config.digest}`)) as Config;
  const extra = await layerOf([{ kind: "file", path: "ballast", content: randomBytes(bytes) }]);
  const grown = asBlob({
    ...config,
    rootfs: { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, extra.digest] },
    history: [...config.history, { created: "2026-01-01T00:00:00Z", created_by: "ballast" }],
  });
  const [first] = base.layers;
  const layers = [
    ...base.layers,
    { mediaType: first?.mediaType, size: extra.content.length, digest: extra.digest },
  ];
  const manifest = JSON.stringify({
    ...base,
    config: { ...base.config, size: grown.content.length, digest: grown.digest },
    layers,
  });
  const blobs = [extra, grown].map(({ digest, content }) => [digest, content] as const);
  return { manifest, digest: digestOf(manifest), blobs: new Map(blobs) };
}

async function fetchJson(path: string): Promise<unknown> {
  const answered = await fetch(`http://${openRegistry}/v2/${path}`, {
    headers: { accept: manifestType },
  });
  if (!answered.ok) throw new Error(`the bed's registry answered ${answered.status} to ${path}`);
  return answered.json();
}

function asBlob(document: unknown): Layer {
  const content = Buffer.from(JSON.stringify(document));
  return { digest: digestOf(content), content };
}

type Exchange = Readonly<{
  request: IncomingMessage;
  response: ServerResponse;
  bytesPerSecond: number;
}>;

async function answer(offer: Offer, repository: string, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const path = request.url ?? "/";
  const head = request.method === "HEAD";
  const [, kind, reference = ""] = /\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
  const blob = offer.blobs.get(reference);
  if (kind === "manifests") {
    response.writeHead(200, {
      "content-type": manifestType,
      "content-length": Buffer.byteLength(offer.manifest),
      "docker-content-digest": offer.digest,
    });
    response.end(head ? undefined : offer.manifest);
  } else if (blob !== undefined) {
    response.writeHead(200, { "content-length": blob.length });
    if (head) response.end();
    else await writeSlowly(blob, exchange);
  } else if (kind === "blobs") {
    response.writeHead(307, {
      location: `http://${openRegistry}/v2/${repository}/blobs/${reference}`,
    });
    response.end();
  } else {
    response.writeHead(path === "/v2/" ? 200 : 404);
    response.end("{}");
  }
}

async function writeSlowly(blob: Buffer, { response, bytesPerSecond }: Exchange): Promise<void> {
  const step = Math.ceil(bytesPerSecond / 10);
  for (let at = 0; at < blob.length && !response.destroyed; at += step) {
    response.write(blob.subarray(at, at + step));
    await delay(100);
  }
  response.end();
}
