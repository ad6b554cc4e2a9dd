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

test("who asks a gateway with a certificate by plain HTTP is warned of", async () => {
  const services = "services: {open-webui: {template: open-webui}, other: {image: 'x:1'}}\n";
  const secure = "gateway: {tls: {cert: cert.pem, key: key.pem}}\n";
  const { warnings } = await load(`name: home\n${secure}${services}`);
  expect(warnings).toEqual([
    expect.stringMatching(/^open-webui asks the gateway by http:\/\/ in OPENAI_API_BASE_URL, /),
  ]);
  expect((await load(`name: home\n${services}`)).warnings).toEqual([]);
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
