/** Run with `npm test`. Keep this file and let it grow with the service. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { after, test } from "node:test";
import { createApp } from "./app.ts";
import { sendJson } from "./http.ts";
import { readSettings } from "./settings.ts";

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}

/** As much of ComfyUI as one image takes. */
function comfyUi(checkpoints: string[]): Server {
  const images = [{ filename: "a.png", subfolder: "", type: "temp" }];
  const documents: Record<string, unknown> = {
    "/models/checkpoints": checkpoints,
    "/prompt": { prompt_id: "1" },
    "/history/1": { "1": { outputs: { image: { images } }, status: { status_str: "success" } } },
    "/history": {},
  };
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/view") response.end("an image");
    else sendJson(response, 200, documents[pathname]);
  });
}

async function adapterTo(checkpoints: string[]): Promise<string> {
  const url = await listen(comfyUi(checkpoints));
  const settings = readSettings({ UPSTREAM_URL: url, UPSTREAM_KIND: "comfyui" });
  return listen(createApp(settings).server);
}

test("it is ready when there is a checkpoint, and not before", async () => {
  assert.equal((await fetch(`${await adapterTo([])}/readyz`)).status, 503);
  assert.equal((await fetch(`${await adapterTo(["a.safetensors"])}/readyz`)).status, 200);
});

test("an image comes back as OpenAI's API has it", async () => {
  const response = await fetch(`${await adapterTo(["a.safetensors"])}/v1/images/generations`, {
    method: "POST",
    body: JSON.stringify({ prompt: "a cat" }),
  });
  const { data } = (await response.json()) as { data: { b64_json: string }[] };
  assert.equal(Buffer.from(data[0]?.b64_json ?? "", "base64").toString(), "an image");
});
