/** What comes out of a container as a tar: files under all of their names, and links as links. */
import { text as readText } from "node:stream/consumers";
import { pack, type Pack } from "tar-stream";
import { expect, test } from "vitest";
import { startFakeEngine } from "./fake-engine.ts";

/** The archive of a path, as an engine makes it: content under the first name of a file only. */
function archiveOf(path: string): Pack {
  const tar = pack();
  if (path === "/data/ui/b") tar.entry({ name: "b" }, "content");
  else {
    tar.entry({ name: "data/", type: "directory" });
    tar.entry({ name: "data/a" }, "content");
    tar.entry({ name: "data/latest", type: "symlink", linkname: "../elsewhere" });
    tar.entry({ name: "data/ui/b", type: "link", linkname: "data/a" });
    tar.entry({ name: "data/ui/c" }, "more");
  }
  tar.finalize();
  return tar;
}

test("a file with two names is taken under both, a symbolic link is told, and no archive is asked for during another", async () => {
  let open = 0;
  const asked: string[] = [];
  await using fake = await startFakeEngine((call, request, response) => {
    if (!call.startsWith("GET /containers/old/archive")) return false;
    const path = new URL(request.url ?? "", "http://engine").searchParams.get("path") ?? "";
    asked.push(`${path} ${String(open)}`);
    open += 1;
    response.once("finish", () => (open -= 1));
    archiveOf(path).pipe(response);
    return true;
  });
  const engine = await fake.connect();

  const taken: string[] = [];
  for await (const one of engine.containers.take("old", "/data"))
    taken.push(
      "link" in one
        ? `${one.path} -> ${one.link}`
        : `${one.path} ${String(one.bytes)} ${await readText(one.content)}`,
    );

  expect(taken).toEqual([
    "data/a 7 content",
    "data/latest -> ../elsewhere",
    "data/ui/c 4 more",
    "data/ui/b 7 content",
  ]);
  expect(asked).toEqual(["/data 0", "/data/ui/b 0"]);
  engine.close();
});
