/** Whether a service really computes on the GPUs that it was given, from what it says of itself. Pure. */
import type { GpuCheck } from "../stack/stack.ts";

/** What is known of it; `detail` is a part of a sentence. */
export type GpuTruth = Readonly<
  | { kind: "gpu"; detail: string }
  | { kind: "partial"; percent: number; detail: string }
  | { kind: "cpu"; detail: string }
  /** It had a GPU and cannot reach it any more. */
  | { kind: "lost"; detail: string }
  | { kind: "unknown"; detail: string }
>;

/** A check that a request answers. */
export type AskedCheck = Exclude<GpuCheck, { kind: "logs" }>;

/** The truth in as few words as a table has room for. */
export function gpuWord(truth: GpuTruth): string {
  const words = {
    gpu: "GPU",
    partial: "PARTIAL",
    cpu: "CPU (expected GPU)",
    lost: "GPU LOST",
    unknown: "unknown",
  };
  return truth.kind === "partial" ? `PARTIAL ${truth.percent} %` : words[truth.kind];
}

/** Whether the service is not what it was asked to be. */
export function isGpuMissing({ kind }: GpuTruth): boolean {
  return kind === "cpu" || kind === "lost";
}

/** What the answer to a check's request means. */
export function judgeAnswer(check: AskedCheck, document: unknown): GpuTruth {
  return check.kind === "ollama" ? judgeOllama(document) : judgeDevice(check, document);
}

/** Ollama's `GET /api/ps`: `size` and `size_vram` in bytes of every model that is loaded. */
function judgeOllama(document: unknown): GpuTruth {
  const models = fieldOf(document, "models");
  if (!Array.isArray(models)) return unknown("it does not list what it has loaded");
  if (models.length === 0) return unknown("no model is loaded");
  const sum = (field: string) =>
    models.reduce((total: number, model) => total + (Number(fieldOf(model, field)) || 0), 0);
  const [size, vram] = [sum("size"), sum("size_vram")];
  if (size <= 0) return unknown("it does not tell how large its models are");
  return judgePart(vram, size, `${sizeText(vram)} of ${sizeText(size)} of its models`);
}

function judgePart(part: number, whole: number, what: string): GpuTruth {
  if (part <= 0) return { kind: "cpu", detail: `${what} are in GPU memory` };
  // What is left over on the processor by design, such as the embedding layer, is less than a hundredth.
  if (part >= whole * 0.99) return { kind: "gpu", detail: `${what} are in GPU memory` };
  const percent = Math.max(1, Math.floor((part / whole) * 100));
  return { kind: "partial", percent, detail: `${what} are in GPU memory` };
}

function judgeDevice(
  { path, pointer, gpu }: Extract<GpuCheck, { kind: "json" }>,
  document: unknown,
): GpuTruth {
  const value = at(document, pointer);
  if (typeof value !== "string" && typeof value !== "number")
    return unknown(`${path} does not tell its device`);
  const device = String(value);
  const isGpu = gpu.some((start) => device.toLowerCase().startsWith(start.toLowerCase()));
  return { kind: isGpu ? "gpu" : "cpu", detail: `it names its device ${device}` };
}

/** What the lines of its start mean; the last one that says anything counts. */
export function judgeLines(
  check: Extract<GpuCheck, { kind: "logs" }>,
  lines: readonly string[],
): GpuTruth {
  const said = lines.findLast((line) => judgeLine(check, line) !== undefined);
  const truth = said === undefined ? undefined : judgeLine(check, said);
  return truth ?? unknown("its logs do not tell");
}

function judgeLine(
  { gpu, cpu, partial }: Extract<GpuCheck, { kind: "logs" }>,
  line: string,
): GpuTruth | undefined {
  const matches = (pattern: string | undefined) =>
    pattern !== undefined && new RegExp(pattern, "i").test(line);
  const detail = `it wrote "${line.trim().slice(0, 160)}"`;
  if (matches(partial)) return judgeShare(line, partial ?? "", detail);
  if (matches(cpu)) return { kind: "cpu", detail };
  return matches(gpu) ? { kind: "gpu", detail } : undefined;
}

/** The first two numbers of what matched: part, and whole. */
function judgeShare(line: string, pattern: string, detail: string): GpuTruth | undefined {
  const matched = new RegExp(pattern, "i").exec(line)?.[0] ?? "";
  const [part, whole] = [...matched.matchAll(/\d+/g)].map(Number);
  if (part === undefined || whole === undefined || whole === 0) return undefined;
  return { ...judgePart(part, whole, ""), detail };
}

/** What NVIDIA's tools and Ollama say when a container has lost the GPU that it started with. */
const lossWords =
  /Failed to initialize NVML[^\n]*|cuda driver library failed to get device context \d+|Driver\/library version mismatch|Unable to determine the device handle[^\n]*/i;

/** The words in a text that tell of a lost GPU; undefined when there are none. */
export function lossIn(text: string): string | undefined {
  return lossWords.exec(text)?.[0].trim();
}

function unknown(detail: string): GpuTruth {
  return { kind: "unknown", detail };
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[field]
    : undefined;
}

/** RFC 6901. */
function at(document: unknown, pointer: string): unknown {
  const steps = pointer.split("/").slice(1);
  return steps
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce(fieldOf, document);
}

function sizeText(bytes: number): string {
  const gibibytes = bytes / 1024 ** 3;
  return gibibytes >= 1
    ? `${Number(gibibytes.toFixed(1))} GiB`
    : `${Math.round(bytes / 1024 ** 2)} MiB`;
}
