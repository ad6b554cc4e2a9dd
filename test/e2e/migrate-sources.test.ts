/** The same old installation from archives and over ssh, and its own services stopped and started. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AiInfra, buildAiInfra, gatewayDataPath } from "../support/ai-infra/ai-infra.ts";
import { ollama, ollamaStore } from "../support/ai-infra/ollama.ts";
import { writeFiles } from "../support/ai-infra/write.ts";
import { allSecrets } from "../support/ai-infra/secrets.ts";
import { nexusBin, readIn, type StackFolder, stackFolder } from "../support/cli.ts";
import { hashFolder } from "../support/hash-folder.ts";

/** In memory: another host's root is laid over this machine's, which has to be another file system. */
const elsewhere = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let root: string;
let old: AiInfra;

beforeAll(async () => {
  root = await mkdtemp(join(elsewhere, "nexus-old-"));
  old = await buildAiInfra(join(root, "hosts"), { databases: "live", small: true });
  for (const [host, name] of [
    [old.hosts.ai1, "systemctl"],
    [old.hosts.ai2, "launchctl"],
  ] as const) {
    await mkdir(join(host, "usr/local/bin"), { recursive: true });
    await writeFile(join(host, "usr/local/bin", name), managers[name], { mode: 0o755 });
  }
});

afterAll(async () => {
  await old[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

async function emptyStack(environment: Readonly<Record<string, string>> = {}) {
  const stack = await stackFolder("", { environment });
  await rm(join(stack.directory, "nexus.yaml"));
  return stack;
}

const portOf = ({ api }: StackFolder) => new URL(api).port;

/** What is planned, without what the disk has room for. */
async function planFrom(stack: StackFolder, ...words: readonly string[]) {
  const flags = ["--name", stack.name, "--gateway-port", portOf(stack), "--dry-run"];
  const { document } = await stack.json("migrate", "--from", "ai-infra", ...flags, ...words);
  const { space: _space, ...plan } = document;
  return plan;
}

describe("from an archive", () => {
  test("a tar.gz of the hosts gives the same plan as their folders", async () => {
    await using stack = await emptyStack();
    const archive = join(root, "hosts.tar.gz");
    execFileSync("tar", ["-czf", archive, "-C", join(root, "hosts"), "."]);
    const here = ["--here", "ai1"];
    const packed = await planFrom(stack, "--source", archive, ...here);
    expect(packed).toEqual(await planFrom(stack, "--source", old.root, ...here));
    expect(packed).toMatchObject({ obstacles: [], applied: false });
  });

  test("the old script's gateway-backup.tar.gz alone gives a gateway with its users, keys and data", async () => {
    await using stack = await emptyStack();
    const archive = join(root, "gateway-backup.tar.gz");
    execFileSync("tar", ["-czf", archive, "-C", join(old.hosts.ai2, gatewayDataPath), "."]);
    const plan = await planFrom(stack, "--source", archive);
    expect(plan).toMatchObject({
      services: [],
      obstacles: [],
      keys: [{ name: "ada.my-laptop" }],
      users: [{ name: "ada" }, { name: "brian" }, { name: "carol" }],
    });
    for (const secret of allSecrets(old.secrets))
      expect(JSON.stringify(plan)).not.toContain(secret);

    const words = ["--source", archive, "--name", stack.name, "--gateway-port", portOf(stack)];
    await stack.must("migrate", "--from", "ai-infra", ...words, "--yes");
    const login = await fetch(`${stack.api}/v1/sessions`, {
      method: "POST",
      body: JSON.stringify({ username: "brian", password: old.secrets.passwords.brian }),
    });
    expect(login.status).toBe(201);
    const models = await fetch(`${stack.api}/v1/models`, {
      headers: { authorization: `Bearer ${old.secrets.apiKeys[0]}` },
    });
    expect(models.status).toBe(200);
    await stack.must("migrate", "--rollback", "--yes");
  });
});

describe("from this machine", () => {
  let store: string;
  let stack: StackFolder;

  beforeAll(async () => {
    store = await mkdtemp(join(tmpdir(), "nexus-store-"));
    stack = await emptyStack();
    await writeFiles(store, ollama([{ name: "qwen3", tag: "8b" }, smallest]));
    const dropIn = `[Service]\nEnvironment=OLLAMA_MODELS=${join(store, ollamaStore)}\n`;
    await writeFile(join(store, "etc/systemd/system/ollama.service.d/models.conf"), dropIn);
  });
  afterAll(async () => {
    await stack[Symbol.asyncDispose]();
    await rm(store, { recursive: true });
  });

  test("its Ollama's models are shared: nothing is copied or fetched, and nothing of the store is changed", async () => {
    const before = await hashFolder(store);
    const flags = ["--name", stack.name, "--gateway-port", portOf(stack), "--models", "share"];
    await asThisMachine(store, stack, ["migrate", "--from", "ai-infra", ...flags, "--yes"]);
    expect(await readIn(stack, "nexus.yaml")).toContain(`source: ${join(store, ollamaStore)}`);
    const answer = await fetch(`${stack.api}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.key()}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "qwen3:8b", messages: [{ role: "user", content: "hello" }] }),
    });
    expect(answer.status).toBe(200);
    const { stdout } = await stack.must("logs", "ollama");
    expect(stdout).not.toContain("download");
    await stack.must("migrate", "--rollback", "--yes");
    expect(await hashFolder(store)).toBe(before);
  });
});

const smallest = { name: "llama3.2", tag: "1b" } as const;

/** Runs a command on a machine whose units of systemd are those of a folder. */
async function asThisMachine(
  folder: string,
  { directory }: StackFolder,
  words: readonly string[],
): Promise<void> {
  const units = `mount --bind ${join(folder, "etc/systemd/system")} /etc/systemd/system`;
  const script = `${units} && exec "$0" "$@"`;
  await execa("unshare", ["-m", "sh", "-c", script, process.execPath, nexusBin, ...words], {
    cwd: directory,
    env: { NO_COLOR: "1", CI: "1" },
    stdin: "ignore",
  });
}

/** What asks for databases at the other end. */
const asks = ["python3", "sqlite3"].some((program) =>
  ["/usr/bin", "/usr/local/bin", "/bin"].some((folder) => existsSync(join(folder, program))),
);

describe.skipIf(!asks || elsewhere !== "/dev/shm")("over ssh", () => {
  let stack: StackFolder;
  let bin: string;
  const hosts = ["--host", "ai1=ssh://root@ai1", "--host", "ai2=ssh://ai2", "--here", "ai1"];
  const words = () => ["migrate", "--from", "ai-infra", "--name", stack.name, ...hosts];

  beforeAll(async () => {
    bin = await mkdtemp(join(tmpdir(), "nexus-bin-"));
    await mkdir(join(bin, "state"));
    await writeFile(join(bin, "ssh"), sshInto(bin, old));
    await chmod(join(bin, "ssh"), 0o755);
    stack = await emptyStack({ PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` });
  });
  afterAll(async () => {
    await stack[Symbol.asyncDispose]();
    await rm(bin, { recursive: true, force: true });
  });

  const asked = async () => {
    const record = await readFile(join(bin, "state/record"), "utf8").catch(() => "");
    return record.split("\n").filter((line) => line !== "" && !/is-active| print /.test(line));
  };

  test("two hosts become one stack, and their services are stopped once everything was checked", async () => {
    const before = await hashFolder(old.root);
    const port = ["--gateway-port", portOf(stack)];
    const ran = await stack.must(...words(), ...port, "--yes", "--stop-legacy");
    expect(await hashFolder(old.root)).toBe(before);
    expect(ran.stderr).toMatch(/Stopped com\.ai\.gateway/);
    expect(await asked()).toEqual([
      "launchctl bootout system/com.ai.gateway",
      "systemctl stop ollama.service",
    ]);
    await stack.must("status");
  });

  test("what was stopped is started again, by itself or with all of it taken back", async () => {
    await stack.must("migrate", "--start-legacy");
    expect((await asked()).slice(2)).toEqual([
      "systemctl start ollama.service",
      "launchctl bootstrap system /Library/LaunchDaemons/com.ai.gateway.plist",
    ]);
    await stack.must("migrate", "--start-legacy");
    expect(await asked()).toHaveLength(4);
    await stack.must(...words(), "--gateway-port", portOf(stack), "--yes", "--stop-legacy");
    expect(await asked()).toHaveLength(6);
    const { stderr } = await stack.must("migrate", "--rollback", "--yes");
    expect(stderr).toContain("Started ollama.service.");
    expect(await asked()).toHaveLength(8);
  });
});

/** Managers of services that note what they are asked for, and keep a state, in what the host has at /media. */
const managers = {
  systemctl: `#!/bin/sh
echo "systemctl $*" >> /media/record
case $1 in
  is-active) if [ -e /media/stopped-$2 ]; then echo inactive; exit 3; else echo active; fi ;;
  stop) touch /media/stopped-$2 ;;
  start) rm -f /media/stopped-$2 ;;
esac
`,
  launchctl: `#!/bin/sh
echo "launchctl $*" >> /media/record
case $1 in
  print) [ -e /media/stopped-$(basename "$2") ] && exit 113; printf 'x = {\\n\\tstate = running\\n}\\n' ;;
  bootout) touch /media/stopped-$(basename "$2") ;;
  bootstrap) rm -f /media/stopped-$(basename "$3" .plist) ;;
esac
`,
};

/** An ssh whose other end is a host of the fixture laid over this machine, where nothing can be written but its services' state. */
function sshInto(bin: string, { hosts }: AiInfra): string {
  return `#!/bin/sh
case "$*" in *"-O exit"*) exit 0 ;; *ai1*) host=${hosts.ai1} ;; *) host=${hosts.ai2} ;; esac
for last; do :; done
export host last
exec unshare -m sh -c '
  at=$(mktemp -d) && mount -t tmpfs none "$at" && mkdir "$at/root"
  mount -t overlay overlay -o "ro,lowerdir=$host:/" "$at/root" || exit 255
  mount --bind /dev "$at/root/dev" && mount -t proc proc "$at/root/proc"
  mount --bind ${bin}/state "$at/root/media"
  trap "umount -l $at; rmdir $at" EXIT
  PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin chroot "$at/root" /bin/sh -c "$last"'
`;
}
