import { expect, test } from "vitest";
import type { LogLine } from "../../src/engine/engine.ts";
import { explain } from "../../src/readiness/explain.ts";
import type { Cause } from "../../src/readiness/readiness.ts";

function said(...lines: readonly string[]): readonly LogLine[] {
  return lines.map((text) => ({ stream: "stderr", text }));
}

function explained(cause: Cause, logs: readonly LogLine[] = [], external = false): string {
  const { message, remedy } = explain(cause, { service: "speech", external, logs });
  return `${message}\n→ ${remedy}`;
}

const MiB = 1024 ** 2;

const causes: readonly Cause[] = [
  { kind: "crashed", exitCode: 1 },
  { kind: "crashed", exitCode: 127 },
  { kind: "crash-loop", exitCode: 139, restarts: 5 },
  { kind: "out-of-memory", limitBytes: 256 * MiB },
  { kind: "out-of-memory", limitBytes: 4096 * MiB },
  { kind: "out-of-memory" },
  { kind: "exited-early" },
  { kind: "start-refused", message: 'exec: "/nope": stat /nope: no such file or directory' },
  {
    kind: "start-refused",
    message:
      'error gathering device information while adding custom device "/dev/x": no such file or directory',
  },
  { kind: "start-refused", message: "unable to find user nosuch" },
  { kind: "start-refused", message: "something new" },
  { kind: "never-listened", port: 9000 },
  { kind: "not-ready", status: 404, detail: "GET /readyz answered 404" },
  { kind: "not-ready", detail: "GET /readyz: connection reset" },
  { kind: "still-loading", detail: "GET /readyz answered 503, stage loading weights" },
  { kind: "unhealthy", detail: "" },
  { kind: "model-missing", models: ["a:1", "b:2"], detail: "", fetchable: true },
  { kind: "model-missing", models: ["owner/a"], detail: "" },
  { kind: "request-failed", status: 500, detail: "CUDA error" },
  { kind: "gpu-missing", detail: "the container sees none" },
  { kind: "blocked", by: "ollama" },
  { kind: "removed" },
];

test("every cause says in plain words what happened and what to do", () => {
  expect(causes.map((cause) => explained(cause)).join("\n")).toMatchInlineSnapshot(`
    "speech crashed with exit code 1.
    → Look at \`nexus logs speech\`.
    speech crashed with exit code 127: its command was not found.
    → Correct \`command\` or \`entrypoint\` in nexus.yaml: the image has no such program.
    speech keeps crashing: 5 restarts, last with exit code 139: it crashed in native code (segmentation fault).
    → Try another version of its image; one built for this processor, if there is a choice.
    speech was killed by its 256 MiB memory limit.
    → Raise \`mem_limit\` of speech in nexus.yaml, then run \`nexus up\`.
    speech was killed by its 4 GiB memory limit.
    → Raise \`mem_limit\` of speech in nexus.yaml, then run \`nexus up\`.
    speech was killed because the machine ran out of memory.
    → Stop something else, give speech a smaller model, or move it to a machine with more memory; \`nexus doctor\` shows what there is.
    speech ended by itself (exit code 0) before it could serve.
    → Check \`command\` of speech in nexus.yaml. If it is a job that is meant to end, give it \`restart: "no"\` and no \`port\`.
    The engine could not start speech: exec: "/nope": stat /nope: no such file or directory.
    → In speech of nexus.yaml, correct its \`command\` or \`entrypoint\`: the image has no such program; then run \`nexus up\`.
    The engine could not start speech: error gathering device information while adding custom device "/dev/x": no such file or directory.
    → In speech of nexus.yaml, correct its \`devices\`: \`ls -l /dev\` shows what there is; then run \`nexus up\`.
    The engine could not start speech: unable to find user nosuch.
    → In speech of nexus.yaml, give it a numeric \`user\`, such as "1000:1000"; then run \`nexus up\`.
    The engine could not start speech: something new.
    → Correct what it names in speech of nexus.yaml; \`nexus doctor\` shows what this engine can do.
    speech runs, but nothing answers on its port 9000.
    → Check \`port\` of speech in nexus.yaml: the port the software listens on inside its container, on all addresses (0.0.0.0), not on 127.0.0.1.
    speech is not ready: GET /readyz answered 404.
    → Set \`probe: { path: … }\` of speech in nexus.yaml to a path that it does serve.
    speech is not ready: GET /readyz: connection reset.
    → Look at \`nexus logs speech\`. If it is really ready, correct its \`probe\` in nexus.yaml.
    speech is still loading: GET /readyz answered 503, stage loading weights.
    → Look at \`nexus logs speech\`. If it is only slow, raise its \`stall_timeout\` in nexus.yaml.
    speech fails its container's health check.
    → Look at \`nexus logs speech\`. If the check itself is wrong, correct \`healthcheck\` of speech in nexus.yaml.
    speech lacks the models a:1, b:2.
    → Check the spelling under \`models\` of speech in nexus.yaml, then run \`nexus models pull a:1 --service speech\`.
    speech lacks the model owner/a.
    → Check the spelling under \`models\` of speech in nexus.yaml, then run \`nexus up\`. If it is right: speech loads its models itself as it starts, so \`nexus logs speech\` says why it did not and \`nexus doctor\` whether the disk is full; \`nexus restart speech\` has it try again.
    speech says it is ready, but a first real request failed with status 500: CUDA error.
    → Look at \`nexus logs speech\`. To accept its own word for it, set \`ready: ready\` in nexus.yaml.
    speech did not get the GPU it asks for: the container sees none.
    → Run \`nexus doctor\` to see what the engine offers, or set \`gpus: none\` for speech in nexus.yaml.
    speech was not started, because ollama did not succeed.
    → Mend ollama first, then run \`nexus up\` again.
    The container of speech was removed by somebody else.
    → Run \`nexus up\` to make it anew; its volumes are still there."
  `);
});

test("failures of other rooms keep their own words", () => {
  const remedy = "Start Docker.";
  const cause: Cause = { kind: "engine", code: "NEXUS_X", message: "No engine.", remedy, exit: 3 };
  expect(explained(cause)).toBe("No engine.\n→ Start Docker.");
});

test("an external service that does not answer is not looked for in a container", () => {
  expect(explained({ kind: "never-listened", port: 10240 }, [], true)).toContain(
    "`external` of speech",
  );
});

test.each([
  ["exec /app/run: exec format error", "another processor", "nexus doctor"],
  ["OSError: [Errno 28] No space left on device", "disk is full", "Free space"],
  [
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate",
    "GPU's memory is full",
    "smaller model",
  ],
  ["RuntimeError: Found no NVIDIA driver on your system", "found no GPU", "nexus doctor"],
  ["Error: listen EADDRINUSE: address already in use :::9000", "already taken", "`command`"],
  ["OSError: [Errno 30] Read-only file system: '/cache'", "may not", "`read_only: false`"],
  ["PermissionError: [Errno 13] Permission denied: '/data'", "permission", "`user`"],
  ["getaddrinfo EAI_AGAIN postgres", "host name", "egress: false"],
  ["connect ECONNREFUSED 172.18.0.3:5432", "refused the connection", "`depends_on`"],
])("the last words of a crash are understood: %s", (line, message, remedy) => {
  const text = explained({ kind: "crashed", exitCode: 1 }, said("starting", line));
  expect(text).toContain(message);
  expect(text).toContain(remedy);
});

test("a service that never listened because of what its log says is told so", () => {
  const text = explained({ kind: "never-listened", port: 80 }, said("bind: permission denied"));
  expect(text).toContain("nothing answers on its port 80: it lacks a permission.");
});
