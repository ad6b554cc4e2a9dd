import { once } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { FormScan } from "../../src/gateway/request/form-scan.ts";
import { LiveForm } from "../../src/gateway/request/upload.ts";
import { writeForm } from "../support/forms.ts";

test("a form whose end came before an upstream was found ends at the upstream too", async () => {
  const bytes = writeForm("x", [{ name: "model", value: Buffer.from("echo") }]);
  const request = new IncomingMessage(new Socket());
  const scan = new FormScan("x");
  request.push(null);
  request.resume();
  await once(request, "end");
  scan.push(bytes);
  const form = new LiveForm({
    request,
    scan,
    head: bytes,
    hint: undefined,
    limitBytes: 1_000,
    refuse: () => {},
  });
  expect(await buffer(form.bodyFor("other"))).toEqual(
    writeForm("x", [{ name: "model", value: Buffer.from("other") }]),
  );
});
