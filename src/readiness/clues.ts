/** What a container's last lines give away, in the words that software is known to use. Pure. */
import type { LogLine } from "../engine/engine.ts";
import type { LogSignature } from "../stack/stack.ts";

/** A clue as the end of a sentence, and what to do about it. */
export type Clue = Readonly<{ message: string; remedy: string }>;

const clues: readonly (readonly [pattern: RegExp, clue: Clue])[] = [
  [
    /exec format error/i,
    {
      message: "its image is built for another processor",
      remedy:
        "Use an image for this engine's processor (`nexus doctor` names it), or build it here with `build:`.",
    },
  ],
  [
    /no space left on device|ENOSPC/i,
    {
      message: "the disk is full",
      remedy:
        "Free space where the engine keeps its data (`nexus doctor` shows where), then run `nexus up`.",
    },
  ],
  [
    /CUDA out of memory|OutOfMemoryError: CUDA|cudaMalloc failed|not enough (GPU|video) memory|No available memory for the cache blocks/i,
    {
      message: "the GPU's memory is full",
      remedy:
        "Use a smaller model or context, or give it a GPU of its own with `gpus` in nexus.yaml.",
    },
  ],
  [
    /no CUDA-capable device|libcuda\.so|Found no NVIDIA driver|nvidia-smi: command not found/i,
    {
      message: "it found no GPU",
      remedy:
        "Run `nexus doctor` to see whether the engine offers one, or use the variant of the image for CPUs.",
    },
  ],
  [
    /EADDRINUSE|address already in use/i,
    {
      message: "its port is already taken inside its container",
      remedy: "Two of its processes want the same port: correct its `command` or `environment`.",
    },
  ],
  [
    /read-only file system|EROFS/i,
    {
      message: "it wants to write where it may not",
      remedy: "Give it a volume or `tmpfs` there, or set `read_only: false` in nexus.yaml.",
    },
  ],
  [
    /permission denied|EACCES|operation not permitted|EPERM/i,
    {
      message: "it lacks a permission",
      remedy:
        "Check its `user` and who owns its volumes; what it needs from the kernel goes under `cap_add` in nexus.yaml.",
    },
  ],
  [
    /EAI_AGAIN|ENOTFOUND|getaddrinfo|name resolution|no such host|could not resolve host/i,
    {
      message: "a host name could not be resolved",
      remedy:
        "Services reach each other by their names in nexus.yaml. With `egress: false` there is no way out to the internet.",
    },
  ],
  [
    /ECONNREFUSED|connection refused/i,
    {
      message: "something it needs refused the connection",
      remedy: "If that is another service, name it under `depends_on` in nexus.yaml.",
    },
  ],
];

/** The first clue, most telling kind first; undefined when the lines say nothing we know. */
export function clueIn(logs: readonly LogLine[]): Clue | undefined {
  return clues.find(([pattern]) => logs.some(({ text }) => pattern.test(text)))?.[1];
}

/** How much of a line is looked at: what matters stands at its beginning, and some lines hold whole documents. */
const LINE_LENGTH = 1_000;

/** What the service's own signatures say of its lines: the first signature that fits one of them. */
export function signatureIn(
  logs: readonly LogLine[],
  signatures: readonly LogSignature[],
): Clue | undefined {
  const lines = logs.map(({ text }) => text.slice(0, LINE_LENGTH));
  const found = signatures.find(({ pattern }) => {
    const expression = new RegExp(pattern, "i");
    return lines.some((line) => expression.test(line));
  });
  return found && { message: found.message.replace(/\.$/, ""), remedy: found.remedy };
}
