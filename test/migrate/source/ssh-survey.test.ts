import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { takeInventory } from "../../../src/migrate/ai-infra/take-inventory.ts";
import { openSources } from "../../../src/migrate/source/open-sources.ts";
import type { SourceTree } from "../../../src/migrate/source/tree.ts";
import { buildAiInfra } from "../../support/ai-infra/ai-infra.ts";

let folder = "";
let root = "";
let bin = "";
const path = process.env["PATH"];

/** An ssh to a host whose `/` is a folder of this machine: paths go there and come back in quotes and records. */
const ssh = () => `#!/bin/sh
case "$*" in *"-O exit"*) exit 0 ;; esac
work=$(mktemp -d)
sed "s#'/#'${root}/#g" > "$work/script"
cat "$work/script" >> "${bin}/asked"; echo "# call" >> "${bin}/asked"
sh "$work/script" > "$work/out"
code=$?
sed "s#${root}/*#/#g" "$work/out"
rm -r "$work"
exit $code
`;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-survey-test-"));
  [root, bin] = [join(folder, "old/ai1"), join(folder, "bin")];
  await mkdir(bin);
  await mkdir(root, { recursive: true });
  await writeFile(join(bin, "ssh"), ssh(), { mode: 0o755 });
  process.env["PATH"] = `${bin}:${path}`;
});

afterEach(async () => {
  process.env["PATH"] = path;
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, content = name): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), content);
}

async function open(flags: Parameters<typeof openSources>[0]): Promise<SourceTree> {
  const [tree] = await openSources(flags);
  if (tree === undefined) throw new Error("no tree");
  return tree;
}

const overSsh = () => open({ hosts: ["ai1=ssh://me@ai1.lan"] });
const calls = async () =>
  (await readFile(join(bin, "asked"), "utf8")).split("\n").filter((line) => line === "# call")
    .length;

it("a host over ssh is taken stock of in at most forty calls, as a copy of it is", async () => {
  await using fixture = await buildAiInfra(join(folder, "old"), { databases: "closed" });
  await using far = await overSsh();
  await using copy = await open({ source: fixture.hosts.ai1 });
  const now = new Date();
  const [over, local] = [await takeInventory([far], now), await takeInventory([copy], now)];
  const comparable = (inventory: typeof over) =>
    JSON.parse(JSON.stringify(inventory, (key, value) => (key === "running" ? undefined : value)));
  expect(comparable(over)).toEqual(comparable(local));
  expect(over.models.length).toBeGreaterThan(0);
  expect(await calls()).toBeLessThanOrEqual(40);
});

it("a file is read as it is then, whatever the listing said of it", async () => {
  await put("etc/ollama/ollama.env", "A=1");
  await using far = await overSsh();
  expect(await far.entry("/etc/hostname")).toBeUndefined();
  await put("etc/ollama/ollama.env", "A=2");
  expect(await far.read("/etc/ollama/ollama.env")).toEqual({
    kind: "file",
    bytes: Buffer.from("A=2"),
  });
});

it("what is asked once copying has begun is asked afresh", async () => {
  await put("etc/hostname", "ai1");
  await using far = await overSsh();
  expect((await far.read("/etc/late")).kind).toBe("absent");
  await put("etc/late", "x");
  expect((await far.read("/etc/late")).kind).toBe("absent");
  await far.fetch("/etc/hostname", join(folder, "hostname"));
  expect((await far.read("/etc/late")).kind).toBe("file");
});

it("links, odd names and names in another case are told as they are without the listing", async () => {
  await put("etc/a file\nof two lines", "x");
  await put("home/me/Code/ai-infra/hosts.yaml", "hosts: {}");
  await symlink("a file\nof two lines", join(root, "etc/link"));
  await symlink("nowhere", join(root, "etc/dangling"));
  await using far = await overSsh();
  expect(await far.list("/etc")).toEqual([
    { path: "/etc/a file\nof two lines", kind: "file", bytes: 1 },
    { path: "/etc/link", kind: "file", bytes: 1 },
  ]);
  expect(far.unread().map(({ at }) => at.file)).toEqual(["/etc/dangling"]);
  expect(await far.entry("/etc/dangling")).toBeUndefined();
  expect(await far.entry("/home/me/code/ai-infra")).toBeUndefined();
  expect((await far.entry("/home/me/Code/ai-infra"))?.kind).toBe("folder");
  expect((await far.measure("/etc/none")).files).toBe(0);
});
