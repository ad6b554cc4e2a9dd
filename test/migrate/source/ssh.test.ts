import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lookInto } from "../../../src/migrate/source/databases.ts";
import { openSources, parseHost, wordsOf } from "../../../src/migrate/source/open-sources.ts";
import { quoted } from "../../../src/migrate/source/ssh-scripts.ts";
import type { SourceTree } from "../../../src/migrate/source/tree.ts";
import { startDatabaseWriter, writeDatabase } from "../../support/database-writer.ts";
import { footprint } from "../../support/footprint.ts";

let folder = "";
let far = "";
let bin = "";
let out = "";
let tree: SourceTree;
const path = process.env["PATH"];
const asRoot = process.getuid?.() === 0;
const has = (program: string) => {
  try {
    return execFileSync("sh", ["-c", `command -v ${program}`]).length > 0;
  } catch {
    return false;
  }
};
const hasSqlite = has("sqlite3");
const copiesDatabases = hasSqlite || has("python3");

/**
 * An ssh whose other end is this machine: it runs what it is given with `sh -c`, as sshd does with the user's shell;
 * `user` and `sudo` are files that make it a user without root's rights, and one who may become root.
 */
const fakeSsh = `#!/bin/sh
here=$(dirname "$0"); echo "$*" >> "$here/logins"
case "$*" in *"-O exit"*) exit 0 ;; *@gone*) echo "ssh: connect to host gone port 22: Connection refused" >&2; exit 255 ;; esac
for last; do :; done
case $last in "exec sudo -n "*)
  [ -e "$here/sudo" ] || { echo "sudo: a password is required" >&2; exit 1; }
  exec sh -c "\${last#exec sudo -n }" ;;
esac
[ -e "$here/path" ] && PATH=$(cat "$here/path")
[ -e "$here/user" ] && exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "$last"
exec sh -c "$last"
`;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-ssh-test-"));
  [far, bin, out] = [join(folder, "far"), join(folder, "bin"), join(folder, "out")];
  for (const one of [far, bin, out]) await mkdir(one);
  await chmod(folder, 0o755);
  await writeFile(join(bin, "ssh"), fakeSsh, { mode: 0o755 });
  process.env["PATH"] = `${bin}:${path}`;
  const [opened] = await openSources({ hosts: ["ai1=ssh://me@ai1.lan:2222"] });
  if (opened === undefined) throw new Error("no tree");
  tree = opened;
});

afterEach(async () => {
  await tree[Symbol.asyncDispose]();
  process.env["PATH"] = path;
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, content = name): Promise<string> {
  const file = join(far, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

async function textAt(file: string): Promise<string> {
  const read = await tree.read(file);
  return read.kind === "file" ? read.bytes.toString("latin1") : read.kind;
}

const told = () => tree.unread().map(({ at, why }) => `${at.file.replace(far, "")}: ${why}`);
const logins = async () => (await readFile(join(bin, "logins"), "utf8")).trim().split("\n");

it("a host is listed, read, measured and fetched, and nothing changes there", async () => {
  await put("app/.env", "A=1\r\n\0\xff");
  await put("app/sub/empty", "");
  await symlink(join(far, "app/.env"), join(far, "app/sub/link"));
  await symlink("/nowhere", join(far, "app/sub/dangling"));
  const before = await footprint(far);
  const app = join(far, "app");
  expect(await tree.list(app)).toEqual([
    { path: join(app, ".env"), kind: "file", bytes: Buffer.byteLength("A=1\r\n\0\xff") },
    { path: join(app, "sub"), kind: "folder", bytes: 0 },
  ]);
  expect((await tree.list(join(app, "sub"))).map((entry) => entry.path)).toEqual([
    join(app, "sub/empty"),
    join(app, "sub/link"),
  ]);
  expect(await tree.entry(app)).toEqual({ path: app, kind: "folder", bytes: 0 });
  expect(Buffer.from(await textAt(join(app, ".env")), "latin1").toString("utf8")).toBe(
    "A=1\r\n\0\xff",
  );
  expect((await tree.measure(app)).files).toBe(3);
  await tree.fetch(app, join(out, "app"));
  await tree.fetch(join(app, ".env"), join(out, "env"));
  expect(await readFile(join(out, "app/sub/link"))).toEqual(await readFile(join(app, ".env")));
  expect((await footprint(out)).every((line) => / (?:40700|100600) /.test(line))).toBe(true);
  expect(await footprint(far)).toEqual(before);
  expect(told()).toEqual([
    "/app/sub/dangling: It is a symbolic link to something that is not there.",
  ]);
});

it("what is not there is absent; nobody is told", async () => {
  await put("file");
  expect(await textAt(join(far, "none"))).toBe("absent");
  expect(await textAt(join(far, "file/below"))).toBe("absent");
  expect(await tree.list(join(far, "none"))).toEqual([]);
  expect(await tree.entry(join(far, "none"))).toBeUndefined();
  expect(await tree.measure(join(far, "none"))).toEqual({ files: 0, bytes: 0 });
  expect(told()).toEqual([]);
  await expect(tree.fetch(join(far, "none"), join(out, "x"))).rejects.toMatchObject({
    code: "NEXUS_SOURCE_UNREADABLE",
  });
});

it("paths with quotes, newlines, blanks, dollars and dashes are only paths", async () => {
  const names = [
    "it's",
    'a "b"',
    "new\nline",
    "$(touch owned)",
    "-rf",
    "`id`",
    "a|b|c",
    "*",
    "é\\n",
  ];
  for (const name of names) await put(`odd/${name}`, name);
  expect((await tree.list(join(far, "odd"))).map((entry) => entry.path).toSorted()).toEqual(
    names.map((name) => join(far, "odd", name)).toSorted(),
  );
  for (const name of names) {
    const file = join(far, "odd", name);
    const read = await tree.read(file);
    expect(read).toEqual({ kind: "file", bytes: Buffer.from(name) });
  }
  await tree.fetch(join(far, "odd"), join(out, "odd"));
  expect(await footprint(join(out, "odd"))).toHaveLength(names.length);
});

it("whatever a word holds, a shell reads it as that word", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }).filter((word) => !word.includes("\0")),
      (word) => {
        const said = execFileSync("sh", ["-c", `printf %s ${quoted(word)}`]);
        expect(said).toEqual(Buffer.from(word));
      },
    ),
    { numRuns: 40 },
  );
});

it("hundreds of questions are one login, which ends with the tree", async () => {
  await tree.read("/etc/hostname");
  await tree[Symbol.asyncDispose]();
  const calls = await logins();
  expect(calls[0]).toMatch(
    /^-T -o BatchMode=yes -o ConnectTimeout=20 -o ControlMaster=auto -o ControlPath=\S+ -o ControlPersist=60 -p 2222 -- me@ai1\.lan exec \/bin\/sh -s$/,
  );
  const socket = /ControlPath=\S+/.exec(calls[0] ?? "")?.[0] ?? "";
  expect(calls.every((call) => call.includes(socket))).toBe(true);
  expect(calls.at(-1)).toContain("-O exit");
});

it.skipIf(!copiesDatabases)(
  "a live database comes over with its log, and nothing beside it changes",
  async () => {
    const file = join(far, "memory.sqlite");
    await using writer = await startDatabaseWriter(file, { rows: 9 });
    const before = await footprint(far);
    expect(await tree.look(file, ["SELECT text FROM memory WHERE id = 1"])).toEqual({
      rows: { memory: 9 },
      answers: [[{ text: "row 0" }]],
    });
    await tree.backup(file, join(out, "memory.sqlite"));
    expect((await lookInto(join(out, "memory.sqlite"), [])).rows).toEqual({ memory: 9 });
    expect(await footprint(far)).toEqual(before);
    expect(writer.running()).toBe(true);
  },
);

it.skipIf(!copiesDatabases)(
  "a database that was closed, one whose program died, and one without its log's index come over",
  async () => {
    const [closed, died, bare] = ["closed", "died", "bare"].map((name) => join(far, name));
    await writeDatabase(closed ?? "", 2);
    for (const file of [died ?? "", bare ?? ""]) {
      const writer = await startDatabaseWriter(file, { rows: 4 });
      await writer.crash();
    }
    await rm(`${bare}-shm`);
    const before = await footprint(far);
    const rows = [];
    for (const file of [closed, died, bare])
      rows.push((await tree.look(file ?? "", []))?.rows["memory"]);
    expect(told()).toEqual([]);
    expect(rows).toEqual([2, 4, 4]);
    expect(await footprint(far)).toEqual(before);
  },
);

it.skipIf(!hasSqlite)(
  "without Python the sqlite3 program is asked, and without either it is said what is missing",
  async () => {
    const file = join(far, "it's.sqlite");
    await using writer = await startDatabaseWriter(file, { rows: 5 });
    const before = await footprint(far);
    await onlyPrograms("id", "uname", "stat", "find", "cat", "sqlite3");
    await tree.backup(file, join(out, "a.sqlite"));
    expect((await lookInto(join(out, "a.sqlite"), [])).rows).toEqual({ memory: 5 });
    await rm(join(folder, "few/sqlite3"));
    await expect(tree.backup(file, join(out, "b.sqlite"))).rejects.toThrow("that host has neither");
    expect(await footprint(far)).toEqual(before);
    expect(writer.running()).toBe(true);
  },
);

/** Leaves the other end these programs only. */
async function onlyPrograms(...programs: readonly string[]): Promise<void> {
  const few = join(folder, "few");
  await mkdir(few);
  for (const program of ["sh", ...programs]) {
    const found = execFileSync("sh", ["-c", `command -v ${program}`])
      .toString()
      .trim();
    await symlink(found, join(few, program));
  }
  await writeFile(join(bin, "path"), few);
}

it("a damaged database is told and not taken", async () => {
  const file = await put("users.sqlite", `SQLite format 3\0${"x".repeat(5000)}`);
  expect(await tree.look(file, [])).toBeUndefined();
  await expect(tree.backup(file, join(out, "x"))).rejects.toMatchObject({
    code: "NEXUS_SOURCE_UNREADABLE",
  });
  expect(told()).toEqual([expect.stringContaining("/users.sqlite: ")]);
  expect(await footprint(out)).toEqual([]);
});

it.skipIf(!copiesDatabases)("databases in a fetched folder come through their backup", async () => {
  await using writer = await startDatabaseWriter(join(far, "memory.sqlite"), { rows: 6 });
  await put("notes", "n");
  await tree.fetch(far, join(out, "far"));
  expect((await footprint(join(out, "far"))).map((line) => line.split(" ")[0])).toEqual([
    "memory.sqlite",
    "notes",
  ]);
  expect((await lookInto(join(out, "far/memory.sqlite"), [])).rows).toEqual({ memory: 6 });
  expect(writer.running()).toBe(true);
});

it.skipIf(!copiesDatabases)("a single live database comes through its backup too", async () => {
  await using writer = await startDatabaseWriter(join(far, "cache.data"), { rows: 7 });
  await tree.fetch(join(far, "cache.data"), join(out, "cache.data"));
  expect((await lookInto(join(out, "cache.data"), [])).rows).toEqual({ memory: 7 });
  expect(writer.running()).toBe(true);
});

it.skipIf(!copiesDatabases)(
  "a sound database that somebody holds locked is refused, and no copy of it as it lies there stays",
  async () => {
    const holder = new DatabaseSync(join(far, "held.sqlite"));
    holder.exec("CREATE TABLE memory (a); PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    const fetched = tree.fetch(join(far, "held.sqlite"), join(out, "held.sqlite"));
    await expect(fetched).rejects.toMatchObject({ code: "NEXUS_SOURCE_UNREADABLE" });
    await expect(readFile(join(out, "held.sqlite"))).rejects.toThrow("ENOENT");
    holder.close();
  },
);

it.skipIf(!asRoot)(
  "what the user may not read is read through sudo, and told where sudo is refused",
  async () => {
    const shut = await put("shut/.env", "A=1");
    await put("open", "o");
    await chmod(dirname(shut), 0o700);
    await writeFile(join(bin, "user"), "");
    expect(await textAt(join(far, "open"))).toBe("o");
    expect(await textAt(shut)).toBe("unreadable");
    expect(await tree.list(dirname(shut))).toEqual([]);
    await expect(tree.fetch(far, join(out, "far"))).rejects.toMatchObject({
      details: { path: dirname(shut) },
    });
    const no = "This user has no right to read it, also not through `sudo -n`.";
    expect(told()).toEqual([`/shut/.env: ${no}`, `/shut: ${no}`]);
    await writeFile(join(bin, "sudo"), "");
    const [other] = await openSources({ hosts: ["ai1=ssh://me@ai1.lan"] });
    expect(await other?.read(shut)).toEqual({ kind: "file", bytes: Buffer.from("A=1") });
    await other?.fetch(far, join(out, "all"));
    expect(await readFile(join(out, "all/shut/.env"), "utf8")).toBe("A=1");
    expect(other?.unread()).toEqual([]);
    await other?.[Symbol.asyncDispose]();
  },
);

it("a service of the host is asked and stopped there", async () => {
  const state = await put("state", "active");
  const systemctl = `#!/bin/sh
case $1 in is-active) cat ${state}; test "$(cat ${state})" = active || exit 3 ;; stop) echo inactive > ${state} ;; esac`;
  await writeFile(join(bin, "systemctl"), systemctl, { mode: 0o755 });
  const unit = { manager: "systemd", name: "ollama.service" } as const;
  expect(await tree.running(unit)).toBe(true);
  await tree.switch(unit, "stopped");
  expect(await tree.running(unit)).toBe(false);
});

it("a host that cannot be reached is told in ssh's words, and leaves no tree open", async () => {
  const hosts = ["ai1=ssh://me@ai1.lan", "ai2=ssh://me@gone"];
  await expect(openSources({ hosts })).rejects.toMatchObject({
    code: "NEXUS_SOURCE_UNREACHABLE",
    message: expect.stringContaining("Connection refused"),
  });
  expect((await logins()).filter((line) => line.includes("-O exit"))).toHaveLength(2);
});

it.each([
  ["ai1", "short name"],
  ["=ssh://a", "short name"],
  ["-x=ssh://a", "short name"],
  ["ai1=http://a", "is neither ssh://"],
  ["ai1=ssh://", "is neither ssh://"],
  ["ai1=ssh://a/path", "is neither ssh://"],
  ["ai1=ssh://-oProxyCommand=x", "is neither ssh://"],
  ["ai1=ssh://-oProxyCommand=x@host", "is neither ssh://"],
  ["ai1=ssh://me:secret@host", "passwords are not taken"],
])("the host %s is refused", (flag, why) => {
  expect(() => parseHost(flag)).toThrow(why);
  expect(() => parseHost(flag)).not.toThrow("secret");
});

it("this very machine can be one of several hosts, under the name that it has among them", async () => {
  const trees = await openSources({ hosts: ["ai1=local", "ai2=ssh://me@ai2.lan"] });
  const hosts = trees.map(({ host, live }) => ({ host, live }));
  for (const each of trees) await each[Symbol.asyncDispose]();
  expect(hosts).toEqual([
    { host: "ai1", live: true },
    { host: "ai2", live: false },
  ]);
});

it("where an installation is read from has words", () => {
  expect(wordsOf({})).toBe("this machine");
  const hosts = ["ai1=local", "ai2=ssh://me@ai2.lan"];
  expect(wordsOf({ source: "copies", hosts })).toBe("copies and ai1 and ai2 over ssh");
});

it("hosts are read with their user and port, and a name only once", async () => {
  expect(parseHost("ai1=ssh://me@10.0.0.5:2222")).toEqual({
    name: "ai1",
    address: { host: "10.0.0.5", user: "me", port: 2222 },
  });
  expect(parseHost("ai2=ssh://[fe80::1]").address).toEqual({ host: "fe80::1" });
  const hosts = ["a=ssh://x", "a=ssh://y"];
  await expect(openSources({ hosts })).rejects.toThrow("two hosts have that name");
});
