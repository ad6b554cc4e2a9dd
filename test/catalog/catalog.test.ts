import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findTemplate, packageRoot, readCatalog } from "../../src/catalog/catalog.ts";
import {
  InvalidTemplateError,
  UnknownStackError,
  UnknownTemplateError,
} from "../../src/catalog/errors.ts";
import { newStackFile } from "../../src/catalog/stacks.ts";
import { folderOf } from "../stack/folder.ts";

const minimal = (id: string, provides: string): string =>
  `id: ${id}\ntitle: T\ndescription: D.\nhomepage: https://example.org\nlicence: MIT\nprovenance: [{fact: all, source: here}]\nservice: {image: x, provides: [${provides}]}\n`;

describe("reading the catalog", () => {
  test("the package's own templates are found from the source and from a bundle", async () => {
    const root = await packageRoot();
    await using folder = await folderOf({
      "package.json": "{}",
      "templates/t/service.yaml": minimal("t", "tts"),
    });
    const dist = join(folder.path, "dist", "commands");
    await mkdir(dist, { recursive: true });
    expect(await packageRoot(dist)).toBe(folder.path);
    expect((await readCatalog(join(root, "templates"))).map(({ id }) => id)).toEqual(
      expect.arrayContaining(["example", "ollama"]),
    );
  });

  test("a folder without a definition is no template; a wrong definition is told with its file", async () => {
    await using folder = await folderOf({
      "a/other.txt": "",
      "b/service.yaml": minimal("b", "tts"),
    });
    expect((await readCatalog(folder.path)).map(({ id }) => id)).toEqual(["b"]);
    await using broken = await folderOf({ "c/service.yaml": "id: C\nservce: {}\n" });
    await expect(readCatalog(broken.path)).rejects.toThrow(InvalidTemplateError);
    await using syntax = await folderOf({ "c/service.yaml": "id: [\n" });
    await expect(readCatalog(syntax.path)).rejects.toThrow(
      /c.service\.yaml is not a valid template/,
    );
  });
});

describe("finding a template", () => {
  test("its id counts before what it does", async () => {
    await using folder = await folderOf({
      "speech/service.yaml": minimal("speech", "tts"),
      "tts/service.yaml": minimal("tts", "asr"),
    });
    const catalog = await readCatalog(folder.path);
    expect(findTemplate(catalog, "tts").id).toBe("tts");
    expect(findTemplate(catalog, "asr").id).toBe("tts");
    expect(findTemplate(catalog, "Speech").id).toBe("speech");
  });

  test("words from its definition find it too", async () => {
    expect(findTemplate(await readCatalog(), "llm").id).toBe("ollama");
  });

  test("an unknown word is told with those that were probably meant", async () => {
    const catalog = await readCatalog();
    expect(() => findTemplate(catalog, "olama")).toThrow(UnknownTemplateError);
    expect(() => findTemplate(catalog, "olama")).toThrow(
      expect.objectContaining({
        remedy: expect.stringMatching(
          /^Did you mean `ollama`.*\? See them all with `nexus catalog`\.$/,
        ),
      }) as Error,
    );
  });
});

test("a stack file to start with has the name and schema asked for", async () => {
  const text = await newStackFile("starter", { name: "mine", schema: "./s.json" });
  expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/s\.json\n/);
  expect(text).toMatch(/^name: mine$/m);
  expect(await newStackFile("starter")).toMatch(/^# The smallest stack/);
  await expect(newStackFile("startr")).rejects.toThrow(UnknownStackError);
});
