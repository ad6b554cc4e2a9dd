import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  containersOf,
  engine,
  identities,
  inspectStack,
  readIn,
  type StackFolder,
  stackFolder,
  writeIn,
} from "../support/cli.ts";
import { ask, clientOf, isUnbroken, type OpenStream, openStream } from "../support/traffic.ts";

let stack: StackFolder;
let written: string;
let before: readonly string[];
let stream: OpenStream;

beforeAll(async () => {
  stack = await stackFolder("");
  written = handwritten(await readIn(stack, "nexus.yaml"));
  await writeIn(stack, "nexus.yaml", written);
  await stack.must("up");
  before = identities(await inspectStack(stack.name));
  stream = await openStream(stack, "steady/scenario");
});
afterAll(async () => {
  stream.close();
  await stack[Symbol.asyncDispose]();
  const images = await engine<{ RepoTags: readonly string[] | null }[]>("/images/json");
  const built = images.flatMap(({ RepoTags }) => RepoTags ?? []);
  for (const tag of built.filter((each) => each.includes(`/${stack.name}-`)))
    await engine(`/images/${encodeURIComponent(tag)}?force=true`, { method: "DELETE" });
});

test("`add service --scaffold` writes sources and an entry, keeps comments and order, and brings it up", async () => {
  const { stdout, stderr } = await stack.must("add", "service", "parrot", "--scaffold", "--yes");

  expect(await containersOf(stack.name, "parrot")).toHaveLength(1);
  expect(existsSync(join(stack.directory, "services/parrot/app.ts"))).toBe(true);
  const text = await readIn(stack, "nexus.yaml");
  expect(removedLines(written, text)).toEqual([]);
  expect(text.indexOf("steady:")).toBeLessThan(text.indexOf("parrot:"));
  expect(stdout).toContain("+  parrot:");
  expect(stderr).toContain("services/parrot/app.ts");
  expect(await ask(stack, "parrot/echo-1")).toContain("hello");
});

test("after an edit, `up` serves the edited service, found by its own metadata", async () => {
  await edit("services/parrot/contract.ts", "Echoes chats and embeds texts; made to be changed.", {
    to: "Says it again.",
  });
  await edit("services/parrot/models.ts", '"echo-1": "chat"', { to: '"parrot-1": "chat"' });
  await edit("nexus.yaml", "echo-1", { to: "parrot-1" });
  await stack.must("up");

  expect(await containersOf(stack.name, "parrot")).toHaveLength(1);
  expect(await ask(stack, "parrot-1")).toContain("hello");
  const own = { service: { name: "parrot", description: "Says it again." } };
  expect(await observe("/services/parrot/v1/metadata")).toMatchObject(own);
  expect(await observe("/services/parrot/readyz")).toMatchObject({ status: "ready" });
  const { data } = await clientOf(stack).get<{ data: { id: string }[] }>("/services", {});
  expect(data.find(({ id }) => id === "parrot")).toMatchObject({ metadata: own });
  const models = (await clientOf(stack).models.list()).data.map(({ id }) => id);
  expect(models).toEqual(expect.arrayContaining(["parrot-1", "hash-embedding-1"]));
});

test("neither restarted the gateway, touched the other service or broke its stream", async () => {
  expect(identities(await inspectStack(stack.name))).toEqual(expect.arrayContaining([...before]));
  expect(isUnbroken(stream)).toBe(true);
});

test("an edit that does not start is refused, and the one before it serves on", async () => {
  const [served] = await containersOf(stack.name, "parrot");
  const path = "services/parrot/app.ts";
  const good = await readIn(stack, path);
  await writeIn(stack, path, `throw new Error("no parrot today");\n${good}`);
  const { exitCode, stderr } = await stack.run("up");

  expect((await containersOf(stack.name, "parrot")).map(({ Id }) => Id)).toEqual([served?.Id]);
  expect(await ask(stack, "parrot-1")).toContain("hello");
  expect(exitCode).toBe(4);
  expect(stderr).toContain("no parrot today");
  await writeIn(stack, path, good);
});

test("`remove service` undoes the text and removes the container; the sources stay", async () => {
  await stack.must("remove", "service", "parrot", "--yes");

  expect(await readIn(stack, "nexus.yaml")).toBe(written);
  expect(identities(await inspectStack(stack.name))).toEqual(before);
  expect(existsSync(join(stack.directory, "services/parrot/app.ts"))).toBe(true);
  expect(isUnbroken(stream)).toBe(true);
});

test("a scaffold never writes over a folder that is there", async () => {
  const { exitCode, stderr } = await stack.run("add", "service", "parrot", "--scaffold", "--yes");

  expect(await readIn(stack, "nexus.yaml")).toBe(written);
  expect(exitCode).toBe(6);
  expect(stderr).toContain("services/parrot");
});

/** A stack file as somebody keeps it by hand, on the ports of the one that is there. */
function handwritten(file: string): string {
  const [name = "", gateway = ""] = file.split("\n");
  return `# Kept by hand: do not tidy up.
${gateway} # loopback is enough

${name}

services:
  # The one everybody uses.
  steady:
    image: "nexus-test/scenario:1"   # pinned
    port: 9000
    provides: [ chat ]

    environment:
      SCENARIO_CHUNKS: "100000"   # never ends by itself
      SCENARIO_CHUNK_EVERY_MS: 20

# The end.
`;
}

function removedLines(from: string, to: string): readonly string[] {
  const left = to.split("\n");
  return from.split("\n").filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(0, at + 1);
    return at < 0;
  });
}

async function edit(path: string, text: string, { to }: Readonly<{ to: string }>): Promise<void> {
  const source = await readIn(stack, path);
  expect(source).toContain(text);
  await writeIn(stack, path, source.replaceAll(text, to));
}

async function observe(path: string): Promise<unknown> {
  return (await fetch(`${stack.observability}${path}`)).json();
}
