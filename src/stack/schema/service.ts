/** One service as a stack file or a template writes it. */
import { z } from "zod";
import { capabilities } from "./capabilities.ts";
import {
  assignments,
  boolean,
  bytes,
  command,
  duration,
  integer,
  oneOrMore,
  port,
  positive,
  text,
} from "./fields.ts";
import { extraHosts, gpus, portBinding } from "./network.ts";
import { build, dependsOn, envFile, healthcheck, labels, probe, restart } from "./process.ts";
import { device, mount, tmpfs } from "./storage.ts";
import { gpuCheck, metadata, release, signature } from "./truth.ts";

/** A model name that is safe in a shell, a URL and a log: letters, digits and `. _ : / @ + -`. */
const model = z
  .string()
  .regex(
    /^[A-Za-z0-9][\w.:/@+-]*$/,
    "must be a model name made of letters, digits and . _ : / @ + -",
  );

const capability = z
  .string()
  .transform((value) => value.toUpperCase().replace(/^CAP_/, ""))
  .refine(
    (value) => /^[A-Z_]+$/.test(value),
    "must be a Linux capability, such as NET_BIND_SERVICE",
  )
  .refine((value) => value !== "ALL", "ALL is never added; name the capabilities it needs");

const secretName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]*$/, "must be a name made of letters, digits and . _ -");

const nexusKeys = {
  template: text
    .optional()
    .describe("Ready-made definition from `nexus catalog`; every other key here overrides it."),
  models: z
    .array(model)
    .optional()
    .describe(
      "Models that must be present before the service is ready; they are fetched where `model_pull` says how.",
    ),
  model_pull: z
    .enum(["ollama", "speaches", "localai", "none"])
    .optional()
    .describe(
      "Whose way of fetching, listing and removing models it speaks; ollama where its probe does, else none: its software gets its models by itself.",
    ),
  ready: z
    .enum(["running", "reachable", "ready", "proven"])
    .optional()
    .describe(
      "Level that `up` waits for: running, reachable, ready (default when it has a port) or proven.",
    ),
  probe: probe
    .optional()
    .describe("How readiness is asked; the contract's GET /readyz by default."),
  port: port
    .optional()
    .describe("Container port that speaks HTTP. It is not published: the gateway stands in front."),
  provides: z
    .array(z.enum(capabilities))
    .optional()
    .describe("What it does; requests that name no model are routed by it."),
  external: z
    .url({
      protocol: /^https?$/,
      error: "must be an http or https URL, such as http://mac-studio:10240/v1",
    })
    .optional()
    .describe("Base URL of an endpoint that Nexus routes to and does not run."),
  egress: boolean.optional().describe("false: no way out of the stack's network. Default true."),
  vram: bytes
    .optional()
    .describe(
      "GPU memory it needs, such as 8GiB; `plan` says when it cannot fit. 0 for what only measures GPUs.",
    ),
  vram_argument: z
    .string()
    .regex(/^-\S+$/, "must be an option of its command, such as --gpu-memory-utilization")
    .optional()
    .describe(
      "Option of its command that takes the part of GPU memory it may use; given with `vram`, as a number such as 0.35, where the GPU's memory is known.",
    ),
  secrets: z
    .array(secretName)
    .optional()
    .describe("Secrets that it reads as files under /run/secrets/."),
  gateway_key: boolean
    .optional()
    .describe(
      "true: it has a key of the gateway of its own, made by `up` and read from /run/secrets/gateway_key. Default false.",
    ),
  metrics_path: z
    .string()
    .startsWith("/", "must be a path, such as /metrics")
    .optional()
    .describe(
      "Path of its own metrics for Prometheus, which `monitoring` collects; none by default.",
    ),
  max_concurrency: integer(1)
    .optional()
    .describe("Requests that the gateway sends it at once; unlimited by default."),
  stream_usage: boolean
    .optional()
    .describe(
      "true: its streams tell their tokens when `stream_options.include_usage` asks for it, and the gateway may ask. Default false; ready-made services know.",
    ),
  api_path: z
    .string()
    .regex(/^(?:\/.*[^/])?$/, "must start with / and not end with it, such as /v1")
    .optional()
    .describe("Prefix of its OpenAI-compatible API; /v1 by default."),
  stall_timeout: duration
    .optional()
    .describe("Time without progress after which waiting for it ends; 2m by default."),
  metadata: metadata
    .optional()
    .describe("What it is said to be at /v1/metadata when it says nothing of itself."),
  dialects: z
    .strictObject({
      rerank: z
        .enum(["tei"])
        .optional()
        .describe("tei: `/v1/rerank` is translated to its own `/rerank` and back."),
      images: z
        .enum(["b64_json"])
        .optional()
        .describe(
          "b64_json: it answers with an address of its own unless it is asked for bytes, so it is.",
        ),
    })
    .optional()
    .describe("Endpoints of which it speaks another dialect than clients do."),
  gpu_check: gpuCheck
    .optional()
    .describe("How `up` and `status` find out whether it really uses its GPUs."),
  release: release.optional().describe("The request that frees its GPU memory."),
  signatures: z
    .array(signature)
    .optional()
    .describe("Lines of its logs that explain a failure, the most telling first."),
  stable_for: duration.optional().describe("Time it must stay up once ready; 300ms by default."),
};

const composeKeys = {
  image: text.optional().describe("Image, with a tag or digest."),
  pull_policy: z
    .enum(["missing", "if_not_present", "always", "never"])
    .optional()
    .describe("When the image is fetched; missing by default."),
  build: build.optional().describe("Folder with a Dockerfile, instead of an image."),
  command: command.optional().describe("Replaces the image's command."),
  entrypoint: command.optional().describe("Replaces the image's entrypoint."),
  environment: assignments
    .optional()
    .describe(
      "Environment variables; a name without a value is taken from yours. No secrets here: use `secrets`.",
    ),
  env_file: envFile
    .optional()
    .describe("Files of environment variables; `environment` wins over them."),
  volumes: z
    .array(mount)
    .optional()
    .describe("Volumes and folders: name:/path, ./folder:/path:ro, or the long form."),
  ports: z
    .array(portBinding)
    .optional()
    .describe("Ports published on this machine; on 127.0.0.1 unless an address is given."),
  depends_on: dependsOn
    .optional()
    .describe("Services that come first; it starts when they are ready."),
  healthcheck: healthcheck.optional().describe("Check that the engine runs in the container."),
  mem_limit: bytes.optional().describe("Most memory it may use, such as 8GiB."),
  shm_size: bytes.optional().describe("Size of /dev/shm; 64m by default."),
  cpus: positive.optional().describe("Most cores it may use, such as 1.5."),
  pids_limit: integer(1).optional().describe("Most processes it may have; 4096 by default."),
  gpus: gpus.optional().describe("GPUs: auto, none (default), all, a number, or a list of UUIDs."),
  restart: restart
    .optional()
    .describe("no, always, unless-stopped (default), on-failure or on-failure:5."),
  labels: labels.optional().describe("Labels of the container."),
  user: z
    .preprocess((value) => (typeof value === "number" ? String(value) : value), text)
    .optional()
    .describe("User, or uid:gid, that it runs as."),
  working_dir: text.optional().describe("Folder it starts in."),
  read_only: boolean
    .optional()
    .describe("Its root file system cannot be written; false by default."),
  init: boolean
    .optional()
    .describe("A small init process reaps children and passes signals on; true by default."),
  tmpfs: z
    .union([tmpfs, z.array(tmpfs)])
    .transform((value) => [value].flat())
    .optional()
    .describe("Paths held in memory: /run or /run:size=64m,mode=1777,uid=1000."),
  cap_add: z
    .array(capability)
    .optional()
    .describe("Linux capabilities it gets; it has none otherwise."),
  cap_drop: z
    .array(z.string().transform((value) => value.toUpperCase().replace(/^CAP_/, "")))
    .optional()
    .describe("Takes away what the template adds; all others are dropped anyway."),
  devices: z
    .array(device)
    .optional()
    .describe("Devices of this machine: /dev/x or /dev/x:/dev/y:rwm."),
  group_add: z
    .array(z.union([text, z.number().transform(String)]))
    .optional()
    .describe("Further groups of its user."),
  extra_hosts: extraHosts
    .optional()
    .describe("Host names it can resolve: name:ip, or name:host-gateway."),
  stop_grace_period: duration.optional().describe("Time it has to stop by itself; 10s by default."),
  profiles: oneOrMore
    .optional()
    .describe("It is part of the stack only with one of these profiles."),
};

/** A service as written, every key optional; what it may not mix is checked when it is resolved. */
export const serviceSchema = z.strictObject({ ...nexusKeys, ...composeKeys });

/** A service as written, short forms read into long ones. */
export type ServiceSpec = Readonly<z.output<typeof serviceSchema>>;
