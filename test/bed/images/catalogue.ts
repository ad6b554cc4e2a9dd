/** Every image the bed's registries hold. */
import { nodeLayers, programLayer, tinyLayer } from "./base.ts";
import { type Entry, type Layer, layerOf } from "./layer.ts";
import type { Image, ImageSettings } from "./registry.ts";
import { debianImages } from "./debian.ts";
import { serviceImages } from "./services.ts";
import { uiImages } from "./ui.ts";

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const start = ["node", "/stand-in.mjs"];

/** Builds all images; `open` goes to the mirror, `closed` to the registry that wants a login. */
export async function allImages(): Promise<
  Readonly<{ open: readonly Image[]; closed: readonly Image[] }>
> {
  const base = await nodeLayers();
  const pause = await pauseImage();
  const open = [
    image(["library/node:24-slim"], base, { cmd: ["node"] }),
    ...(await ollamaImages(base)),
    await vllmImage(base),
    ...(await scenarioImages(base)),
    pause,
    await webImage(),
    { ...pause, names: ["nexus-test/foreign:1"], settings: foreign(pause.settings), listed: true },
    { ...pause, names: ["nexus-test/foreign-label:1"], settings: foreign(pause.settings) },
    await wrongArchitectureImage(),
    ...debianImages(),
    ...(await serviceImages(base)),
    ...(await uiImages(base)),
  ];
  return { open, closed: [{ ...pause, names: ["private/pause:1"] }] };
}

async function ollamaImages(base: readonly Layer[]): Promise<readonly Image[]> {
  const program = await programLayer("ollama");
  return ["0.12.6", "0.12.7"].map((version, index) =>
    image(
      [`ollama/ollama:${version}`, ...(index === 1 ? ["ollama/ollama:latest"] : [])],
      [...base, program],
      {
        entrypoint: [...start],
        cmd: ["serve"],
        env: [path, "OLLAMA_HOST=0.0.0.0:11434", `STAND_IN_VERSION=${version}`],
        exposedPorts: ["11434/tcp"],
      },
    ),
  );
}

async function vllmImage(base: readonly Layer[]): Promise<Image> {
  return image(
    ["vllm/vllm-openai:v0.11.0", "vllm/vllm-openai:latest"],
    [...base, await programLayer("vllm")],
    {
      entrypoint: [...start],
      exposedPorts: ["8000/tcp"],
    },
  );
}

async function scenarioImages(base: readonly Layer[]): Promise<readonly Image[]> {
  const program = await programLayer("scenario");
  const data = await layerOf([{ kind: "directory", path: "data", mode: 0o777 }]);
  const weights = await Promise.all(
    [24, 48, 12].map(async (mib, index) => weightLayer(mib, index)),
  );
  return [
    image(["nexus-test/scenario:1"], [...base, program, data], scenarioSettings("1")),
    image(["nexus-test/scenario:2"], [...base, program, data], scenarioSettings("2")),
    image(["nexus-test/large:1"], [...base, program, data, ...weights], scenarioSettings("1")),
    image(["nexus-test/checked:1"], [...base, program, data], {
      ...scenarioSettings("1"),
      healthcheck: { test: ["CMD", "node", "-e", healthProbe], intervalMs: 1000, retries: 2 },
    }),
  ];
}

function scenarioSettings(version: string): ImageSettings {
  return {
    cmd: start,
    env: [path, `SCENARIO_VERSION=${version}`],
    user: "1000:1000",
    exposedPorts: ["9000/tcp"],
  };
}

const healthProbe =
  "fetch('http://127.0.0.1:9000/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))";

async function pauseImage(): Promise<Image> {
  const wait = "trap 'exit 0' TERM INT; sleep 2147483647 & wait";
  return image(["nexus-test/pause:1"], [await tinyLayer([])], { cmd: ["/bin/sh", "-c", wait] });
}

async function webImage(): Promise<Image> {
  const files = ["health", "readyz", "v1/metadata"].map((name): Entry => {
    return { kind: "file", path: `www/${name}`, content: '{"status":"ok"}\n' };
  });
  return image(["nexus-test/web:1"], [await tinyLayer(files)], {
    cmd: ["/bin/httpd", "-f", "-p", "9000", "-h", "/www"],
    exposedPorts: ["9000/tcp"],
  });
}

async function wrongArchitectureImage(): Promise<Image> {
  const program: Entry = { kind: "file", path: "app", content: foreignProgram(), mode: 0o755 };
  return image(["nexus-test/exec-format:1"], [await layerOf([program])], { cmd: ["/app"] });
}

/** An ELF header for a machine that this one is not, so that the kernel refuses it. */
function foreignProgram(): Buffer {
  const elf = Buffer.alloc(128);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(2, 16);
  elf.writeUInt16LE(0x15, 18);
  return elf;
}

function foreign(settings: ImageSettings): ImageSettings {
  return { ...settings, architecture: process.arch === "arm64" ? "amd64" : "arm64" };
}

/** Bytes that do not compress; the same for the same number, so that a second stocking pushes nothing. */
async function weightLayer(mib: number, index: number): Promise<Layer> {
  return layerOf([{ kind: "file", path: `weights/${index}.bin`, content: noise(mib, index) }]);
}

function noise(mib: number, seed: number): Buffer {
  const words = new Uint32Array((mib * 1024 * 1024) / 4);
  let state = seed + 1;
  for (let index = 0; index < words.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = state;
  }
  return Buffer.from(words.buffer);
}

function image(names: readonly string[], layers: readonly Layer[], settings: ImageSettings): Image {
  return { names, layers, settings: { env: [path], ...settings } };
}
