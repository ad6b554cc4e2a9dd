/** Who may import whom. Read it as the floor plan in ARCHITECTURE.md. */
const rooms = {
  commands: [
    "stack",
    "plan",
    "apply",
    "engine",
    "catalog",
    "readiness",
    "verify",
    "migrate",
    "terminal",
  ],
  terminal: ["stack", "catalog", "plan", "apply", "engine", "readiness", "verify", "migrate"],
  migrate: ["stack", "catalog", "plan", "apply", "engine", "readiness"],
  verify: ["apply", "plan", "engine", "readiness", "stack"],
  apply: ["plan", "engine", "readiness", "stack"],
  readiness: ["engine", "stack"],
  plan: ["stack", "engine"],
  engine: ["stack"],
  stack: ["catalog"],
  catalog: [],
  gateway: [],
};

/** What both programs share: the gateway's configuration, the words of its control channel and of users, and the documents of the service contract. */
const treaty = "^src/gateway/(config|protocol|user|contract)\\.ts$";

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    ...Object.entries(rooms).map(([room, neighbours]) => ({
      name: `${room}-keeps-to-its-neighbours`,
      severity: "error",
      from: { path: `^src/${room}/` },
      to: {
        path: "^src/[^/]+/",
        pathNot: [...[room, ...neighbours].map((name) => `^src/${name}/`), treaty],
      },
    })),
    {
      name: "only-the-docker-adapter-knows-dockerode",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/engine/docker/" },
      to: { path: "node_modules/(@types/)?(dockerode|docker-modem)" },
    },
    {
      name: "only-the-terminal-draws",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/terminal/" },
      to: { path: "node_modules/(chalk|listr2|@inquirer)" },
    },
    {
      name: "plan-is-pure",
      comment: "A plan is computed from values alone; node:crypto hashes are the one exception.",
      severity: "error",
      from: { path: "^src/plan/" },
      to: { dependencyTypes: ["core", "npm"], pathNot: "^(node:)?crypto$" },
    },
    {
      name: "plan-takes-only-types-from-its-neighbours",
      severity: "error",
      from: { path: "^src/plan/" },
      to: {
        path: "^src/",
        pathNot: ["^src/plan/", "^src/errors.ts$", treaty],
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "the-gateway-is-a-guest",
      severity: "error",
      from: { path: "^src/gateway/" },
      to: { path: "^src/(?!gateway/)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
