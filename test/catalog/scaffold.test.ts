import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { NoScaffoldError, ScaffoldExistsError } from "../../src/catalog/errors.ts";
import { scaffoldService } from "../../src/catalog/scaffold.ts";
import { folderOf } from "../stack/folder.ts";

const templates = {
  "t/service.yaml":
    "id: t\ntitle: T\ndescription: D.\nhomepage: https://example.org\nlicence: MIT\nprovenance: [{fact: all, source: here}]\nservice: {build: ., port: 9000, provides: [chat], models: [m]}\noptions: [{name: SERVICE_NAME, description: N.}]\n",
  "t/Dockerfile": "FROM scratch\n",
  "t/package.json": '{\n  "name": "t",\n  "type": "module"\n}\n',
  "t/pyproject.toml": '[project]\nname = "t"\n\n[tool.x]\nname = "other"\n',
  "t/README.md": "# Example\n\nnexus verify t\n",
  "t/__pycache__/main.pyc": "",
  "t/.venv/pip": "",
  "t/lib/main.ts": "export {};\n",
  "t/node_modules/x/index.js": "",
  "i/service.yaml":
    "id: i\ntitle: I\ndescription: D.\nhomepage: https://example.org\nlicence: MIT\nprovenance: [{fact: all, source: here}]\nservice: {image: x}\n",
};

test("the sources are copied under the service's name, and the service builds them", async () => {
  await using folder = await folderOf(templates);
  await using target = await folderOf({});
  const catalog = await readCatalog(folder.path);
  const scaffold = await scaffoldService(catalog, {
    template: "t",
    name: "mine",
    directory: target.path,
  });
  expect(scaffold).toEqual({
    directory: join(target.path, "services/mine"),
    files: ["Dockerfile", "README.md", "lib/main.ts", "package.json", "pyproject.toml"],
    service: {
      build: "./services/mine",
      port: 9000,
      provides: ["chat"],
      models: ["m"],
      environment: { SERVICE_NAME: "mine" },
    },
  });
  const text = await readFile(join(target.path, "services/mine/package.json"), "utf8");
  expect(JSON.parse(text)).toEqual({ name: "mine", type: "module" });
  const written = (file: string) => readFile(join(target.path, "services/mine", file), "utf8");
  expect(await written("pyproject.toml")).toBe(
    '[project]\nname = "mine"\n\n[tool.x]\nname = "other"\n',
  );
  expect(await written("README.md")).toBe("# mine\n\nnexus verify mine\n");
});

test("nothing is overwritten", async () => {
  await using folder = await folderOf(templates);
  await using target = await folderOf({ "services/mine/notes.txt": "mine" });
  const catalog = await readCatalog(folder.path);
  const request = { template: "t", name: "mine", directory: target.path };
  await expect(scaffoldService(catalog, request)).rejects.toThrow(ScaffoldExistsError);
});

test("a template that only names an image has nothing to copy", async () => {
  await using folder = await folderOf(templates);
  const catalog = await readCatalog(folder.path);
  const request = { template: "i", name: "mine", directory: folder.path };
  await expect(scaffoldService(catalog, request)).rejects.toThrow(NoScaffoldError);
});
