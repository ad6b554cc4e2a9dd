/** Every cause in plain words: what happened, and what to do about it. Pure. */
import type { LogLine } from "../engine/engine.ts";
import { type Clue, clueIn } from "./clues.ts";
import { gpuReason } from "./gpu-reasons.ts";
import type { Cause } from "./readiness.ts";

/** One sentence for people, and one instruction. */
export type Explanation = Readonly<{ message: string; remedy: string }>;

/** What is known beside the cause. */
export type Circumstances = Readonly<{
  service: string;
  /** Nexus does not run it, so there is no container to look into. */
  external: boolean;
  logs: readonly LogLine[];
  /** What the service's own signatures say of its lines; believed before anything that is guessed. */
  known?: Clue | undefined;
}>;

/** Written as a method, so that the table below may be read by a kind that is only known when it runs. */
type Explain<Kind extends Cause["kind"]> = {
  explain(cause: Extract<Cause, { kind: Kind }>, circumstances: Circumstances): Explanation;
}["explain"];

/** Says why a service is not at its level, and how to mend it. Its last log lines are read for clues. */
export function explain(cause: Cause, circumstances: Circumstances): Explanation {
  const byKind: Readonly<Record<Cause["kind"], Explain<Cause["kind"]>>> = explanations;
  const explanation = byKind[cause.kind](cause, circumstances);
  const { known } = circumstances;
  if (known === undefined || !outspoken.has(cause.kind)) return explanation;
  const message = `${clause(explanation.message)}: ${known.message}.`;
  return { message, remedy: known.remedy };
}

/** Causes for which a service's last words are believed, though nothing is guessed from them. */
const outspoken: ReadonlySet<Cause["kind"]> = new Set([
  "not-ready",
  "still-loading",
  "unhealthy",
  "model-missing",
  "request-failed",
]);

const explanations: { readonly [Kind in Cause["kind"]]: Explain<Kind> } = {
  crashed: ({ exitCode }, circumstances) =>
    crash(exitCode, `crashed with exit code ${exitCode}`, circumstances),

  "crash-loop": ({ exitCode, restarts }, circumstances) =>
    crash(
      exitCode,
      `keeps crashing: ${times(restarts)}, last with exit code ${exitCode}`,
      circumstances,
    ),

  "out-of-memory": ({ limitBytes }, { service }) =>
    limitBytes === undefined
      ? {
          message: `${service} was killed because the machine ran out of memory.`,
          remedy: `Stop something else, give ${service} a smaller model, or move it to a machine with more memory; \`nexus doctor\` shows what there is.`,
        }
      : {
          message: `${service} was killed by its ${inMiB(limitBytes)} memory limit.`,
          remedy: `Raise \`mem_limit\` of ${service} in nexus.yaml, then run \`nexus up\`.`,
        },

  "exited-early": (_cause, circumstances) => ({
    message: `${circumstances.service} ended by itself (exit code 0) before it could serve${clueText(circumstances)}.`,
    remedy:
      clueOf(circumstances)?.remedy ??
      `Check \`command\` of ${circumstances.service} in nexus.yaml. If it is a job that is meant to end, give it \`restart: "no"\` and no \`port\`.`,
  }),

  "start-refused": ({ message }, { service }) => ({
    message: `The engine could not start ${service}: ${clause(message)}.`,
    remedy: startRemedy(service, message),
  }),

  "never-listened": ({ port, detail }, { service, external, logs, known }) =>
    external
      ? {
          message: `Nothing answers on port ${port} where ${service} should be${aside(detail)}.`,
          remedy: `Start that server, or correct the address under \`external\` of ${service} in nexus.yaml. It must be reachable from a container: localhost is not.`,
        }
      : {
          message: `${service} runs, but nothing answers on its port ${port}${aside(detail)}${clueText({ logs, known })}.`,
          remedy:
            clueOf({ logs, known })?.remedy ??
            `Check \`port\` of ${service} in nexus.yaml: the port the software listens on inside its container, on all addresses (0.0.0.0), not on 127.0.0.1.`,
        },

  "not-ready": ({ status, detail }, { service }) => ({
    message: `${service} is not ready: ${clause(detail)}.`,
    remedy: notReadyRemedy(service, status),
  }),

  "still-loading": ({ detail }, { service, logs }) => ({
    message: `${service} is still loading: ${clause(detail)}.`,
    remedy:
      clueIn(logs)?.remedy ??
      `Look at \`nexus logs ${service}\`. If it is only slow, raise its \`stall_timeout\` in nexus.yaml.`,
  }),

  unhealthy: ({ detail }, { service }) => ({
    message: `${service} fails its container's health check${detail ? `; seen from outside: ${clause(detail)}` : ""}.`,
    remedy: `Look at \`nexus logs ${service}\`. If the check itself is wrong, correct \`healthcheck\` of ${service} in nexus.yaml.`,
  }),

  "model-missing": ({ models, detail, fetchable }, { service, external }) => ({
    message: `${service} lacks the ${models.length === 1 ? "model" : "models"} ${models.join(", ")}${aside(detail)}.`,
    remedy: `Check the spelling under \`models\` of ${service} in nexus.yaml${modelAdvice({ service, external, model: fetchable ? models[0] : undefined })}`,
  }),

  "request-failed": ({ status, detail }, { service }) => ({
    message: `${service} says it is ready, but a first real request failed${status ? ` with status ${status}` : ""}: ${clause(detail)}.`,
    remedy: `Look at \`nexus logs ${service}\`. To accept its own word for it, set \`ready: ready\` in nexus.yaml.`,
  }),

  "gpu-missing": ({ detail }, { service }) => ({
    message: `${service} did not get the GPU it asks for: ${clause(detail)}.`,
    remedy: `Run \`nexus doctor\` to see what the engine offers, or set \`gpus: none\` for ${service} in nexus.yaml.`,
  }),

  "gpu-unused": ({ detail, lost }, { service, logs }) => {
    const reason = gpuReason([...logs, { stream: "stdout", text: detail }]);
    const what = lost ? "has lost its GPU" : "was given a GPU and computes on the CPU";
    return {
      message: `${service} ${what}: ${clause(detail)}${reason.message ? `; ${reason.message}` : ""}.`,
      remedy: reason.remedy.replaceAll("`nexus restart`", `\`nexus restart ${service}\``),
    };
  },

  blocked: ({ by }, { service }) => ({
    message: `${service} was not started, because ${by} did not succeed.`,
    remedy: `Mend ${by} first, then run \`nexus up\` again.`,
  }),

  removed: (_cause, { service }) => ({
    message: `The container of ${service} was removed by somebody else.`,
    remedy: "Run `nexus up` to make it anew; its volumes are still there.",
  }),

  engine: ({ message, remedy }) => ({ message, remedy }),
};

function crash(exitCode: number, how: string, circumstances: Circumstances): Explanation {
  const { service, logs } = circumstances;
  const clue = clueOf(circumstances);
  const meaning = clue?.message ?? exitMeanings[exitCode]?.message;
  return {
    message: `${service} ${how}${meaning ? `: ${meaning}` : ""}.`,
    remedy:
      clue?.remedy ??
      exitMeanings[exitCode]?.remedy ??
      `${logs.length > 0 ? "Look at its last lines above, or" : "Look at"} \`nexus logs ${service}\`.`,
  };
}

const exitMeanings: Readonly<Record<number, Explanation>> = {
  126: {
    message: "its command is not executable",
    remedy:
      "Make the file executable in the image, or correct `command` or `entrypoint` in nexus.yaml.",
  },
  127: {
    message: "its command was not found",
    remedy: "Correct `command` or `entrypoint` in nexus.yaml: the image has no such program.",
  },
  137: {
    message: "it was killed from outside",
    remedy:
      "Start it again with `nexus up`. If nobody stopped it, the machine ran out of memory: `nexus doctor` shows what there is.",
  },
  139: {
    message: "it crashed in native code (segmentation fault)",
    remedy: "Try another version of its image; one built for this processor, if there is a choice.",
  },
  143: { message: "it was told to stop", remedy: "Run `nexus up` to start it again." },
};

type LastWords = Pick<Circumstances, "logs" | "known">;

function clueOf({ logs, known }: LastWords): Clue | undefined {
  return known ?? clueIn(logs);
}

function clueText(lastWords: LastWords): string {
  const clue = clueOf(lastWords);
  return clue ? `: ${clue.message}` : "";
}

function notReadyRemedy(service: string, status: number | undefined): string {
  if (status === 404) {
    return `Set \`probe: { path: … }\` of ${service} in nexus.yaml to a path that it does serve.`;
  }
  if (status === 401 || status === 403) {
    return `Its probe path asks for a login: set \`probe: { path: … }\` of ${service} in nexus.yaml to one that does not.`;
  }
  return `Look at \`nexus logs ${service}\`. If it is really ready, correct its \`probe\` in nexus.yaml.`;
}

/** The rest of a sentence that begins with the spelling; `model` is one that can be fetched. */
function modelAdvice(
  lacking: Readonly<{ service: string; external: boolean; model: string | undefined }>,
): string {
  const { service, external, model } = lacking;
  if (model !== undefined) return `, then run \`nexus models pull ${model} --service ${service}\`.`;
  return external
    ? ", or have that server load it: Nexus does not run it."
    : `, then run \`nexus up\`. If it is right: ${service} loads its models itself as it starts, so \`nexus logs ${service}\` says why it did not and \`nexus doctor\` whether the disk is full; \`nexus restart ${service}\` has it try again.`;
}

/** What to do about the engine's words; the first that matches decides. */
const startRemedies: readonly (readonly [RegExp, string])[] = [
  [/gathering device information/i, "correct its `devices`: `ls -l /dev` shows what there is"],
  [/unable to find (?:user|group)/i, 'give it a numeric `user`, such as "1000:1000"'],
  [/bind source path|mount/i, "correct its `volumes`: the path must exist on the engine's host"],
  [
    /executable file not found|no such file or directory/i,
    "correct its `command` or `entrypoint`: the image has no such program",
  ],
  [/permission denied/i, "make the file executable in the image, or correct its `command`"],
];

function startRemedy(service: string, message: string): string {
  const known = startRemedies.find(([words]) => words.test(message))?.[1];
  return known === undefined
    ? `Correct what it names in ${service} of nexus.yaml; \`nexus doctor\` shows what this engine can do.`
    : `In ${service} of nexus.yaml, ${known}; then run \`nexus up\`.`;
}

function aside(detail: string | undefined): string {
  return detail ? ` (${clause(detail)})` : "";
}

/** A sentence of somebody else's as a part of ours. */
export function clause(sentence: string): string {
  return sentence.trim().replace(/\.$/, "");
}

function times(restarts: number): string {
  return restarts === 1 ? "1 restart" : `${restarts} restarts`;
}

function inMiB(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return mebibytes >= 1024 && mebibytes % 1024 === 0
    ? `${mebibytes / 1024} GiB`
    : `${Math.round(mebibytes)} MiB`;
}
