/** A small old installation, a stack folder and an engine, for processes that may end at any change. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { changeStack } from "../../../src/apply/bring-up.ts";
import { withGateway } from "../../../src/apply/gateway-access.ts";
import { keyDigest } from "../../../src/gateway/protocol.ts";
import type { StackWorld, MigrationOptions } from "../../../src/migrate/applying/context.ts";
import type { MigrationEvent } from "../../../src/migrate/applying/events.ts";
import type { MigrationPlan, Step } from "../../../src/migrate/migration-plan.ts";
import { planDown } from "../../../src/plan/plan-down.ts";
import { loadStack } from "../../../src/stack/load.ts";
import { bringUp } from "../../apply/simulated-stack.ts";
import { Fate, FolderHost, mortalDisk, PatientEngine } from "./mortal.ts";

/** The old installation, the folder that is migrated into, and the engine. */
export class Move {
  readonly root = mkdtempSync(join(tmpdir(), "nexus-move-"));
  readonly directory = join(this.root, "stack");
  readonly engine = new PatientEngine();
  readonly tree: FolderHost;
  readonly events: MigrationEvent[] = [];
  readonly #api = createServer(answerOldClient);
  readonly #gateway: Promise<string>;

  constructor() {
    this.tree = new FolderHost(join(this.root, "ai2"));
    this.#api.listen(0, "127.0.0.1");
    this.#gateway = addressOf(this.#api);
    mkdirSync(this.directory);
    writeFileSync(join(this.directory, "notes.txt"), "mine");
    writeFileSync(join(this.directory, ".gitignore"), "node_modules", { mode: 0o640 });
    this.#old("var/lib/gateway/app/.env", "GATEWAY_BEARER_TOKEN=old-token # ours\nHF_TOKEN=hf_1\n");
    this.#old("etc/ssl/server.crt", "certificate");
    this.#old("var/lib/gateway/data/ui_images/one.png", "\x89PNG\xff");
    this.#old("var/lib/gateway/data/ui_images/deep/two.png", "two");
    this.#old("var/lib/ollama/models/blobs/sha256-bad-partial", "half");
    this.#old(`var/lib/ollama/models/blobs/${blobName("weights")}`, "weights");
    this.#old("var/lib/ollama/models/manifests/registry/library/llama/3b", "manifest");
    this.#old("var/lib/ollama/models/manifests/registry/library/llama/empty", "");
    const database = new DatabaseSync(join(this.tree.root, "var/lib/gateway/data/users.sqlite"));
    database.exec("PRAGMA synchronous = OFF");
    database.exec(
      "CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT, password_salt TEXT, created_ts INTEGER, updated_ts INTEGER, disabled INTEGER)",
    );
    database.exec(
      `INSERT INTO users VALUES (1, 'Ada', '${"a".repeat(64)}', '${"b".repeat(32)}', 1700000000, 1700000000, 0)`,
    );
    database.close();
  }

  #old(path: string, text: string): void {
    const file = join(this.tree.root, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text, "latin1");
  }

  /** Changes the old database. */
  sql(...statements: readonly string[]): void {
    using database = new DatabaseSync(join(this.tree.root, "var/lib/gateway/data/users.sqlite"));
    for (const statement of statements) database.exec(statement);
  }

  /** What a process of this fate works with. */
  options(fate = new Fate()): MigrationOptions {
    this.engine.fate = fate;
    this.tree.fate = fate;
    const { engine } = this;
    return {
      world: simulatedWorld(engine, this.#gateway),
      trees: [this.tree],
      disk: mortalDisk(fate),
      onEvent: (event) => this.events.push(event),
      signal: new AbortController().signal,
    };
  }

  /** Content of every file of the stack's folder, by path; folders end with a slash. */
  files(): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    const visit = (path: string): void => {
      for (const name of readdirSync(join(this.directory, path)).toSorted()) {
        const below = path === "" ? name : `${path}/${name}`;
        const entry = statSync(join(this.directory, below));
        if (entry.isDirectory()) {
          found[`${below}/`] = "";
          visit(below);
        } else
          found[below] =
            `${(entry.mode & 0o777).toString(8)} ${readFileSync(join(this.directory, below), "latin1")}`;
      }
    };
    visit("");
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.engine.close();
    this.#api.close();
    await rm(this.root, { recursive: true, force: true });
  }
}

async function addressOf(server: Server): Promise<string> {
  await once(server, "listening");
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** The API as a client with the old token sees it: one alias answers, the other is broken. */
function answerOldClient(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.authorization !== "Bearer old-token")
    return void response.writeHead(401).end();
  if (request.url === "/v1/models")
    return void response.end(
      JSON.stringify({
        data: [
          { id: "fast", owned_by: "db" },
          { id: "broken", owned_by: "db" },
        ],
      }),
    );
  if (request.url === "/v1/services")
    return void response.end(JSON.stringify({ data: [{ id: "db", provides: ["chat"] }] }));
  request.setEncoding("utf8").once("data", (body: string) => {
    const chunk = JSON.stringify({ choices: [{ delta: { content: "OK" } }] });
    if (body.includes("broken")) response.writeHead(502).end();
    else response.end(`data: ${chunk}\n\ndata: [DONE]\n\n`);
  });
}

function blobName(content: string): string {
  return keyDigest(content).replace(":", "-");
}

function simulatedWorld(engine: PatientEngine, gateway: Promise<string>): StackWorld {
  return {
    engine,
    load: async (file) => (await loadStack({ file, cwd: "/", environment: {} })).stack,
    bringUp: (stack) => engine.change(async () => (await bringUp(engine, stack)).report),
    takeDown: (stack) =>
      changeStack({
        engine,
        stack,
        command: "nexus migrate --rollback",
        survey: async () => {
          const observed = await engine.observe(stack, []);
          const plan = planDown({ stackName: stack, observed, volumes: true });
          return {
            plan,
            observed,
            description: await engine.describe(),
            gatewayImage: {} as never,
          };
        },
        onPlan: async () => undefined,
        onEvent: () => undefined,
        consent: async () => true,
        waitForLockMs: 0,
        signal: new AbortController().signal,
      }),
    gatewayImage: async () => "nexus-gateway:abc",
    gateway: (name, use) => withGateway(engine, name, use),
    api: async () => ({ base: `${await gateway}/v1` }),
  };
}

const stackText = `name: home
services:
  db:
    image: db:1
    stable_for: 0ms
    volumes:
      - models:/root/.ollama
    secrets:
      - hf
secrets:
  hf:
    file: .nexus/secrets/hf
volumes:
  models: {}
`;

const staged = ".nexus/migration/staged/ai2";
const data = "/var/lib/gateway/data";

/** The plan of the move, with one step of each kind. */
export function planOf({ directory }: Move): MigrationPlan {
  return {
    kind: "ai-infra",
    choices: { stack: "home", directory, output: "nexus.yaml", here: ["ai2"], models: "copy" },
    file: join(directory, "nexus.yaml"),
    text: stackText,
    services: [],
    aliasesLeftOut: [],
    rewrites: [],
    conflicts: [],
    keys: [{ record: oldKey, at: settings, notInForce: [] }],
    refusedKeys: [],
    users: [{ name: "ada", admin: false, disabled: false }],
    aliases: [{ name: "fast", targets: ["db/llama:3b"] }],
    data: [
      {
        what: "users",
        host: "ai2",
        path: `${data}/users.sqlite`,
        files: 1,
        bytes: 1,
        active: true,
        because: "it is used",
      },
    ],
    models: [],
    space: { staging: 0, volumes: 0 },
    decisions: [],
    notUnderstood: [],
    warnings: [],
    obstacles: [],
    steps: [
      ...stepsOf(),
      { id: "verify", title: "", kind: "verify" },
      {
        id: "stop gateway",
        title: "",
        kind: "stop-legacy",
        host: "ai2",
        unit: { manager: "systemd", name: "gateway.service" },
      },
    ],
  };
}

const oldKey = {
  name: "old",
  digest: keyDigest("old-token"),
  hint: "old-",
  scopes: ["inference"] as const,
};

const settings = { host: "ai2", file: "/var/lib/gateway/app/.env", line: 1 };

function stepsOf(): readonly Step[] {
  const steps: readonly Step[] = [
    { id: "ignore", title: "", kind: "ignore-secrets" },
    {
      id: "users",
      title: "",
      kind: "backup-database",
      database: { name: "users", host: "ai2", path: `${data}/users.sqlite`, bytes: 1 },
      to: `${staged}/data/users.sqlite`,
    },
    {
      id: "images",
      title: "",
      kind: "fetch-files",
      files: {
        what: "images",
        host: "ai2",
        path: `${data}/ui_images`,
        kind: "folder",
        files: 2,
        bytes: 7,
      },
      to: `${staged}/data/ui_images`,
    },
    {
      id: "secret hf",
      title: "",
      kind: "write-secret",
      path: ".nexus/secrets/hf",
      host: "ai2",
      file: settings.file,
      setting: "HF_TOKEN",
    },
    {
      id: "certificate",
      title: "",
      kind: "place-file",
      path: "tls/server.crt",
      host: "ai2",
      file: "/etc/ssl/server.crt",
    },
    {
      id: "stack file",
      title: "",
      kind: "write-file",
      path: "nexus.yaml",
      text: stackText,
      mode: 0o644,
    },
    {
      id: "models",
      title: "",
      kind: "copy-models",
      store: {
        service: "ollama",
        host: "ai2",
        path: "/var/lib/ollama/models",
        format: "ollama",
        models: [],
        bytes: 15,
      },
      volume: "home_models",
      key: "models",
      folder: "models",
    },
    {
      id: "carry",
      title: "",
      kind: "carry",
      staged: [`${staged}/data/users.sqlite`, `${staged}/data/ui_images`],
    },
    { id: "up", title: "", kind: "up" },
    {
      id: "keys",
      title: "",
      kind: "add-keys",
      keys: [{ record: oldKey, at: settings, notInForce: [] }],
    },
    {
      id: "people",
      title: "",
      kind: "add-users",
      host: "ai2",
      path: `${data}/users.sqlite`,
      staged: `${staged}/data/users.sqlite`,
    },
  ];
  return steps;
}
