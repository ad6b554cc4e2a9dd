/** Pushes images to a registry over its HTTP API, with no engine in between. */
import { arch } from "node:process";
import { digestOf, type Layer } from "./layer.ts";

/** What an image says about itself besides its layers. */
export type ImageSettings = Readonly<{
  user?: string;
  env?: readonly string[];
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  workingDir?: string;
  exposedPorts?: readonly string[];
  volumes?: readonly string[];
  labels?: Readonly<Record<string, string>>;
  healthcheck?: Readonly<{ test: readonly string[]; intervalMs: number; retries: number }>;
  /** Default: this machine's. */
  architecture?: string;
}>;

/** An image and the names it is pushed under. */
export type Image = Readonly<{
  /** `repository:tag` without a registry host; Docker Hub's own images as `library/…`. */
  names: readonly string[];
  layers: readonly Layer[];
  settings: ImageSettings;
  /** Put behind a manifest list, so that engines of other platforms refuse the pull. */
  listed?: boolean;
}>;

/** The registry refused a push. */
export class PushError extends Error {
  override name = "PushError";
  constructor(what: string, status: number, answer: string) {
    super(`The registry answered ${status} to ${what}: ${answer}`);
  }
}

/** The registry's address and, where it wants one, the login. */
export type Registry = Readonly<{
  address: string;
  credentials?: Readonly<{ username: string; password: string }>;
}>;

const thisArchitecture = arch === "x64" ? "amd64" : arch;
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const listType = "application/vnd.docker.distribution.manifest.list.v2+json";
const layerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const configType = "application/vnd.docker.container.image.v1+json";

/** Pushes what the registry lacks of the image, then its tags. */
export async function pushImage(registry: Registry, image: Image): Promise<void> {
  const config = Buffer.from(JSON.stringify(configOf(image)));
  const blobs: readonly Layer[] = [...image.layers, { digest: digestOf(config), content: config }];
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, size: config.length, digest: digestOf(config) },
    layers: image.layers.map(({ digest, content }) => ({
      mediaType: layerType,
      size: content.length,
      digest,
    })),
  });
  for (const name of image.names) {
    const [repository = "", tag = ""] = name.split(":");
    for (const blob of blobs) await pushBlob(registry, repository, blob);
    const put = async (reference: string, type: string, body: string) =>
      call(registry, "PUT", `/v2/${repository}/manifests/${reference}`, {
        headers: { "content-type": type },
        body,
      });
    if (image.listed ?? false) {
      await put(digestOf(manifest), manifestType, manifest);
      await put(tag, listType, listOf(image, manifest));
    } else {
      await put(tag, manifestType, manifest);
    }
  }
}

function listOf({ settings }: Image, manifest: string): string {
  const platform = { os: "linux", architecture: settings.architecture ?? thisArchitecture };
  const digest = digestOf(manifest);
  const size = Buffer.byteLength(manifest);
  const manifests = [{ mediaType: manifestType, size, digest, platform }];
  return JSON.stringify({ schemaVersion: 2, mediaType: listType, manifests });
}

async function pushBlob(registry: Registry, repository: string, blob: Layer): Promise<void> {
  const path = `/v2/${repository}/blobs`;
  const known = await send(registry, "HEAD", `${path}/${blob.digest}`, {});
  if (known.ok) return;
  const upload = await call(registry, "POST", `${path}/uploads/`, {});
  const location = new URL(upload.headers.get("location") ?? "", `http://${registry.address}`);
  location.searchParams.set("digest", blob.digest);
  await call(registry, "PUT", `${location.pathname}${location.search}`, {
    headers: { "content-type": "application/octet-stream" },
    body: new Uint8Array(blob.content),
  });
}

type Payload = Readonly<{
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}>;

async function call(registry: Registry, method: string, path: string, payload: Payload) {
  const answer = await send(registry, method, path, payload);
  if (!answer.ok) throw new PushError(`${method} ${path}`, answer.status, await answer.text());
  return answer;
}

async function send(registry: Registry, method: string, path: string, payload: Payload) {
  const { username, password } = registry.credentials ?? {};
  const login = Buffer.from(`${username}:${password}`).toString("base64");
  return fetch(`http://${registry.address}${path}`, {
    method,
    headers: {
      ...payload.headers,
      ...(username === undefined ? {} : { authorization: `Basic ${login}` }),
    },
    ...(payload.body === undefined ? {} : { body: payload.body }),
  });
}

function configOf({ layers, settings }: Image): unknown {
  return {
    architecture: settings.architecture ?? thisArchitecture,
    os: "linux",
    created: "2026-01-01T00:00:00Z",
    config: containerConfig(settings),
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: "2026-01-01T00:00:00Z", created_by: "nexus-bed" })),
  };
}

function containerConfig(settings: ImageSettings): unknown {
  const { healthcheck } = settings;
  return {
    User: settings.user ?? "",
    Env: settings.env ?? ["PATH=/usr/local/bin:/usr/bin:/bin"],
    Entrypoint: settings.entrypoint,
    Cmd: settings.cmd,
    WorkingDir: settings.workingDir ?? "/",
    ExposedPorts: keys(settings.exposedPorts),
    Volumes: keys(settings.volumes),
    Labels: settings.labels ?? {},
    ...(healthcheck === undefined
      ? {}
      : {
          Healthcheck: {
            Test: healthcheck.test,
            Interval: healthcheck.intervalMs * 1e6,
            Retries: healthcheck.retries,
          },
        }),
  };
}

function keys(names: readonly string[] | undefined): Readonly<Record<string, object>> | undefined {
  return names === undefined ? undefined : Object.fromEntries(names.map((name) => [name, {}]));
}
