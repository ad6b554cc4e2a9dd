/** A stand-in for stable-diffusion.cpp's sd-server (examples/server/routes_openai.cpp): it listens once its model is loaded. */
import { parseArgs } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { liesAbout } from "../lie.ts";
import { pngOf, sizeIn } from "../png.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";

const { values } = parseArgs({
  strict: false,
  options: {
    "listen-port": { type: "string" },
    "listen-ip": { type: "string" },
    model: { type: "string" },
  },
});
const model = liesAbout("wrong-model") ? "another" : "sd-cpp-local";

const routes: Routes = {
  "GET /v1/models": ({ response }) => {
    const data = liesAbout("ready-without-model")
      ? []
      : [{ id: model, object: "model", owned_by: "local" }];
    sendJson(response, 200, { data });
  },
  "POST /v1/images/generations": generate,
};

async function generate({ body, response }: Visit): Promise<void> {
  if (typeof body["prompt"] !== "string" || body["prompt"] === "")
    return sendJson(response, 400, { error: "prompt required" });
  if (liesAbout("ready-without-model"))
    return sendJson(response, 500, { error: "generate_image returned no results" });
  await delay(numberFrom("STAND_IN_IMAGE_MS", 50));
  const size = sizeIn(body["size"]);
  const data = Array.from({ length: Math.max(1, Number(body["n"] ?? 1)) }, (_, seed) => ({
    b64_json: pngOf({ ...size, seed }).toString("base64"),
  }));
  sendJson(response, 200, { created: Math.floor(Date.now() / 1_000), data, output_format: "png" });
}

process.on("SIGTERM", () => process.exit(0));
const port = Number(values["listen-port"] ?? 1234);
if (liesAbout("never-ready")) setInterval(() => undefined, 60_000);
else
  setTimeout(
    () => serverOf(routes).listen(port, String(values["listen-ip"] ?? "127.0.0.1")),
    numberFrom("STAND_IN_LOAD_MS", 300),
  );
