/** Ollama on Linux: the vendor's unit with a drop-in, and a store whose digests are true. */
import { hash } from "node:crypto";
import type { HostFile } from "./write.ts";

/** Folder that holds `manifests` and `blobs`. */
export const ollamaStore = "/usr/share/ollama/.ollama/models";

/** A model of the store: complete, a blob missing, or a manifest of no bytes. */
export type StoredModel = Readonly<{
  name: string;
  tag: string;
  state?: "blob-missing" | "empty-manifest";
  /** `registry.ollama.ai/library` by default. */
  below?: string;
}>;

/** The unit, its drop-in, and the models. */
export function ollama(models: readonly StoredModel[]): readonly HostFile[] {
  const unit = "/etc/systemd/system/ollama.service";
  return [
    { path: unit, content: vendorUnit },
    {
      path: `${unit}.d/override.conf`,
      content:
        '[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0:11434"\nEnvironment="OLLAMA_KEEP_ALIVE=30m" OLLAMA_NUM_PARALLEL=2\n',
    },
    { path: "/etc/ollama/ollama.env", content: "OLLAMA_HOST=0.0.0.0:11434\n" },
    { path: `${ollamaStore}/blobs/sha256-${"f".repeat(64)}-partial`, content: Buffer.alloc(100) },
    { path: "/usr/share/ollama/.ollama/id_ed25519.pub", content: "ssh-ed25519 AAAA fixture\n" },
    ...models.flatMap(stored),
  ];
}

function stored({
  name,
  tag,
  state,
  below = "registry.ollama.ai/library",
}: StoredModel): HostFile[] {
  const manifest = `${ollamaStore}/manifests/${below}/${name}/${tag}`;
  if (state === "empty-manifest") return [{ path: manifest, content: "" }];
  const layers = [
    layer("application/vnd.ollama.image.model", weights(`${name}:${tag}`)),
    layer("application/vnd.ollama.image.template", Buffer.from("{{ .Prompt }}")),
    layer("application/vnd.ollama.image.params", Buffer.from(`{"num_ctx":${name.length * 512}}`)),
  ];
  const config = layer(
    "application/vnd.docker.container.image.v1+json",
    Buffer.from(JSON.stringify({ model_format: "gguf", model_type: tag })),
  );
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: config.described,
    layers: layers.map(({ described }) => described),
  });
  const blobs = state === "blob-missing" ? [config, ...layers.slice(1)] : [config, ...layers];
  return [{ path: manifest, content: text }, ...blobs.map(({ file }) => file)];
}

function layer(mediaType: string, content: Buffer) {
  const digest = hash("sha256", content, "hex");
  return {
    described: { mediaType, digest: `sha256:${digest}`, size: content.length },
    file: { path: `${ollamaStore}/blobs/sha256-${digest}`, content },
  };
}

/** A few kilobytes that begin as a GGUF file does. */
function weights(name: string): Buffer {
  return Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(4096, name)]);
}

const vendorUnit = `[Unit]
Description=Ollama Service
After=network-online.target

[Service]
ExecStart=/usr/local/bin/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
Environment="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

[Install]
WantedBy=default.target
`;
