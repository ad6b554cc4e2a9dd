import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { adapterFor, get, post } from "../support/image-adapter.ts";

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const images = [{ filename: "a.png", subfolder: "", type: "temp" }];
const documents: Readonly<Record<string, unknown>> = {
  "/models/checkpoints": ["a.safetensors"],
  "/prompt": { prompt_id: "1" },
  "/history/1": { "1": { outputs: { image: { images } }, status: { status_str: "success" } } },
};

/** A ComfyUI whose one job is done at once, and whose images are what `view` answers. */
function comfyUi(view: RequestListener): Promise<string> {
  return listen((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/view") view(request, response);
    else response.end(JSON.stringify(documents[pathname] ?? {}));
  });
}

test("an upstream that leads elsewhere gets nothing fetched from there", async () => {
  let visited = false;
  const secret = await listen((_, response) => {
    visited = true;
    response.end("what only this network may see");
  });
  const view: RequestListener = (_, response) =>
    void response.writeHead(302, { location: `${secret}/latest/meta-data` }).end();
  const base = await adapterFor("comfyui", await comfyUi(view));
  expect(await post(base, { prompt: "a cat" })).toMatchObject({ status: 503 });
  expect(visited).toBe(false);
});

test("an image without an end is given up, and so is a list without one", async () => {
  const block = Buffer.alloc(1024 * 1024, " ");
  const flood: RequestListener = (_, response) => {
    const go = (): void => {
      while (!response.destroyed && response.write(block));
    };
    response.on("drain", go);
    go();
  };
  const base = await adapterFor("comfyui", await comfyUi(flood));
  const tooLong = { status: 502, body: { error: { code: "upstream_error" } } };
  expect(await post(base, { prompt: "a cat" })).toMatchObject(tooLong);
  const other = await adapterFor("comfyui", await listen(flood));
  expect(await get(`${other}/v1/models`)).toMatchObject(tooLong);
});

test("more images than one answer holds are refused, and how many it holds is told", async () => {
  const picture = Buffer.alloc(30 * 1024 * 1024);
  const base = await adapterFor(
    "comfyui",
    await comfyUi((_, response) => void response.end(picture)),
  );
  expect(await post(base, { prompt: "a cat", n: 3 })).toMatchObject({
    status: 400,
    body: { error: { param: "n", message: expect.stringContaining("ask for 2 at once") } },
  });
});

test("a body larger than any prompt is not held", async () => {
  const base = await adapterFor("comfyui", "http://127.0.0.1:9");
  const answer = post(base, { prompt: "x".repeat(2 * 1024 * 1024) });
  expect(await answer).toMatchObject({ status: 413 });
});
