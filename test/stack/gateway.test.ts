import { join } from "node:path";
import { expect, test } from "vitest";
import { load, problemsOf } from "./folder.ts";

test("the gateway's certificate is meant beside the file that names it", async () => {
  const { stack } = await load({
    "nexus.yaml": "name: home\ninclude: [shared/tls.yaml]\n",
    "shared/tls.yaml": "gateway: { tls: { cert: cert.pem, key: ../key.pem } }\n",
  });
  expect(stack.gateway.tls).toEqual({
    cert: join(stack.directory, "shared/cert.pem"),
    key: join(stack.directory, "key.pem"),
  });
});

test("the origins of web pages are origins, or all", async () => {
  const origins = ["https://chat.example", "http://localhost:3000", "*"];
  const { stack } = await load(`name: home\ngateway: { cors: ${JSON.stringify(origins)} }`);
  expect(stack.gateway.cors).toEqual(origins);
  for (const wrong of ["chat.example", "https://chat.example/", "https://chat.example/page"]) {
    const [problem] = await problemsOf(`name: home\ngateway: { cors: ["${wrong}"] }`);
    expect(problem).toContain("gateway.cors[0]: must be an origin");
  }
});
