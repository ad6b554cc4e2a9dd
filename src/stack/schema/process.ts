/** What runs in a container, and how it is watched. */
import { z } from "zod";
import { assignments, boolean, duration, integer, refuse, text } from "./fields.ts";

const longBuild = z.strictObject({
  context: text.describe("Folder that is sent to the engine, without what `.dockerignore` names."),
  dockerfile: text.optional().describe("Path inside the context; `Dockerfile` by default."),
  args: assignments.optional().describe("Build arguments: never secrets, they stay in the image."),
  target: text.optional().describe("Stage to build; the last by default."),
});

/** A build, in full. */
export type BuildSpec = Readonly<z.output<typeof longBuild>>;

/** `build:` as a folder or in full. */
export const build = z.union([text.transform((context): BuildSpec => ({ context })), longBuild]);

/** `env_file:` as a path, a list of paths, or with `required`. */
export const envFile = z
  .union([
    text,
    z.array(
      z.union([
        text,
        z.strictObject({
          path: text.describe("Path relative to the file that names it."),
          required: boolean.default(true).describe("false: go on without it."),
        }),
      ]),
    ),
  ])
  .transform((value) =>
    [value]
      .flat()
      .map((item) => (typeof item === "string" ? { path: item, required: true } : item)),
  );

const condition = z
  .enum(["ready", "service_started", "service_healthy", "service_completed_successfully"])
  .describe(
    "When it may start: ready (default), service_started, service_healthy (the same as ready) or service_completed_successfully.",
  );

/** `depends_on:` as a list or with conditions. */
export const dependsOn = z
  .union([
    z.array(text),
    z.record(
      z.string(),
      z.strictObject({
        condition: condition.optional(),
        required: boolean
          .optional()
          .describe("false: it does not matter when the service is not there."),
      }),
    ),
  ])
  .transform((value): Readonly<Record<string, DependencySpec>> =>
    Array.isArray(value) ? Object.fromEntries(value.map((name) => [name, {}])) : value,
  );

/** When a dependent may start. */
export type DependencySpec = Readonly<{
  condition?: z.infer<typeof condition> | undefined;
  required?: boolean | undefined;
}>;

/** `healthcheck:` as Compose has it. */
export const healthcheck = z
  .strictObject({
    test: z
      .union([text, z.array(z.string()).min(1)])
      .optional()
      .describe("Command line, or a list that starts with CMD, CMD-SHELL or NONE."),
    interval: duration.optional().describe("Time between checks."),
    timeout: duration.optional().describe("Time one check may take."),
    start_period: duration.optional().describe("Time in which failures do not count."),
    retries: integer(1).optional().describe("Failures in a row that mean unhealthy."),
    disable: boolean.optional().describe("true: the image's own check is not run."),
  })
  .transform(({ disable, test, ...times }, context) => {
    const words =
      disable || test === "NONE" ? ["NONE"] : typeof test === "string" ? ["CMD-SHELL", test] : test;
    if (!words) return refuse(context, "needs `test`, or `disable: true`");
    if (!["NONE", "CMD", "CMD-SHELL"].includes(words[0] ?? "")) {
      return refuse(context, "a list must start with CMD, CMD-SHELL or NONE");
    }
    return { test: words, ...times };
  });

/** `restart:`; `on-failure:5` gives up after five. */
export const restart = z.preprocess(
  (value) => (value === false ? "no" : value),
  z
    .string()
    .regex(
      /^(?:no|always|unless-stopped|on-failure(?::\d+)?)$/,
      "must be no, always, unless-stopped, on-failure or on-failure:5",
    ),
);

/** `labels:` as a map or a list; the prefixes of Nexus and Docker are not the user's. */
export const labels = assignments.transform((value, context) => {
  const taken = Object.keys(value).find((name) => /^(?:io\.nexus\.|com\.docker\.)/.test(name));
  if (taken !== undefined)
    return refuse(
      context,
      `\`${taken}\`: labels that start with io.nexus. or com.docker. are not yours to set`,
    );
  return Object.fromEntries(Object.entries(value).map(([name, given]) => [name, given ?? ""]));
});

const statuses = z
  .union([integer(100, 599), z.array(integer(100, 599)).min(1)])
  .transform((value) => [value].flat());

const longProbe = z.strictObject({
  path: z
    .string()
    .startsWith("/", "must start with /")
    .optional()
    .describe("Path asked; the contract's /readyz by default."),
  status: statuses.optional().describe("Statuses that mean ready; 200 by default."),
  loading: statuses.optional().describe("Statuses that mean it is still loading; 503 by default."),
  json: z
    .strictObject({
      pointer: z
        .string()
        .regex(/^(?:\/.*)?$/, "must be a JSON pointer, such as /status")
        .describe("Where in the JSON body (RFC 6901)."),
      equals: z.json().describe("What must stand there."),
    })
    .optional()
    .describe("A value that the JSON body must hold."),
  models: z
    .enum(["none", "openai", "ollama", "tei"])
    .optional()
    .describe(
      "Which list names the models that are present: openai is GET <api_path>/models, ollama GET /api/tags, tei the one that GET /info tells.",
    ),
});

/** A probe, in full. */
export type ProbeSpec = Readonly<z.output<typeof longProbe>>;

/** `probe:` as a path or in full. */
export const probe = z.union([
  z
    .string()
    .startsWith("/", "must be a path, such as /health")
    .transform((path): ProbeSpec => ({ path })),
  longProbe,
]);
