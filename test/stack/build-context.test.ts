import { chmod, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hashBuild, listBuildContext } from "../../src/stack/build-context.ts";
import { loadStack } from "../../src/stack/load.ts";
import { folderOf } from "./folder.ts";

const files = {
  Dockerfile: "FROM scratch\n",
  "src/a.ts": "a",
  "src/b.ts": "b",
  "node_modules/x/index.js": "x",
  ".dockerignore": "node_modules\n*.md\n!KEEP.md\n",
  "README.md": "no",
  "KEEP.md": "yes",
};

async function hash(
  context: string,
  change: Partial<Parameters<typeof hashBuild>[0]> = {},
): Promise<string> {
  return await hashBuild({ context, dockerfile: "Dockerfile", args: {}, ...change });
}

describe("the files of a build context", () => {
  test("those that the ignore file names are left out, but for its exceptions", async () => {
    await using folder = await folderOf(files);
    const listed = await listBuildContext(folder.path, "Dockerfile");
    expect(listed.map(({ path }) => path)).toEqual([
      ".dockerignore",
      "Dockerfile",
      "KEEP.md",
      "src/a.ts",
      "src/b.ts",
    ]);
    expect(listed[1]).toEqual({
      path: "Dockerfile",
      absolute: join(folder.path, "Dockerfile"),
      mode: 0o644,
    });
  });

  test("the Dockerfile belongs to it even when everything is ignored", async () => {
    await using folder = await folderOf({
      "docker/Dockerfile": "FROM scratch",
      "a.txt": "a",
      ".dockerignore": "**\n",
    });
    const listed = await listBuildContext(folder.path, "docker/Dockerfile");
    expect(listed.map(({ path }) => path)).toEqual([".dockerignore", "docker/Dockerfile"]);
  });

  test("an ignore file of the Dockerfile's own counts instead", async () => {
    await using folder = await folderOf({
      Dockerfile: "",
      "Dockerfile.dockerignore": "a.txt",
      ".dockerignore": "b.txt",
      "a.txt": "",
      "b.txt": "",
    });
    const listed = await listBuildContext(folder.path, "Dockerfile");
    expect(listed.map(({ path }) => path)).not.toContain("a.txt");
    expect(listed.map(({ path }) => path)).toContain("b.txt");
  });

  test("links are listed as links", async () => {
    await using folder = await folderOf({ Dockerfile: "" });
    await symlink("Dockerfile", join(folder.path, "link"));
    expect((await listBuildContext(folder.path, "Dockerfile")).at(-1)).toMatchObject({
      path: "link",
      link: "Dockerfile",
    });
  });
});

describe("the hash of a build", () => {
  test("it stays when only times or ignored files change", async () => {
    await using folder = await folderOf(files);
    const before = await hash(folder.path);
    await utimes(join(folder.path, "src/a.ts"), 0, 0);
    await writeFile(join(folder.path, "README.md"), "changed");
    await writeFile(join(folder.path, "node_modules/x/index.js"), "changed");
    expect(await hash(folder.path)).toBe(before);
  });

  test("it changes with contents, names, permissions, arguments and the target", async () => {
    await using folder = await folderOf(files);
    const hashes = [
      await hash(folder.path),
      await hash(folder.path, { args: { A: "b" } }),
      await hash(folder.path, { target: "t" }),
    ];
    await writeFile(join(folder.path, "src/a.ts"), "changed");
    hashes.push(await hash(folder.path));
    await writeFile(join(folder.path, "src/c.ts"), "");
    hashes.push(await hash(folder.path));
    await chmod(join(folder.path, "src/c.ts"), 0o755);
    hashes.push(await hash(folder.path));
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

test("a built service's image is called after the stack, the service and the hash", async () => {
  await using folder = await folderOf({
    "nexus.yaml":
      "name: t\nservices:\n  a:\n    build: {context: ./ctx, args: [A, B=$V, C], target: run}\n",
    "ctx/Dockerfile": "FROM scratch",
  });
  const { stack } = await loadStack({ cwd: folder.path, environment: { A: "own", V: "v" } });
  const image = stack.services[0]?.kind === "container" ? stack.services[0].image : undefined;
  if (image?.kind !== "build") throw new Error("not built");
  expect(image.build).toMatchObject({
    context: join(folder.path, "ctx"),
    dockerfile: "Dockerfile",
    args: { A: "own", B: "v" },
    target: "run",
  });
  expect(image.ref).toBe(`nexus-build/t-a:${image.build.contentHash.slice(0, 12)}`);
});
