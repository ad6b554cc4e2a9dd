import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidBody } from "../../src/gateway/request/invalid-body.ts";
import { FormScan, readBoundary } from "../../src/gateway/request/form-scan.ts";
import { forms, splitAt, writeForm, type Part } from "../support/forms.ts";

const boundary = "----x7";

function scan(bytes: Buffer, cuts: readonly number[] = []) {
  const form = new FormScan(boundary);
  for (const chunk of splitAt(bytes, cuts)) form.push(chunk);
  form.end();
  return { model: form.model, stream: form.stream };
}

const scanText = (text: string) => scan(Buffer.from(text.replaceAll("\n", "\r\n"), "latin1"));
const part = (head: string, value = "echo") =>
  `--${boundary}\nContent-Disposition: ${head}\n\n${value}\n`;
const field = (head: string, value?: string) => `${part(head, value)}--${boundary}--\n`;

describe("a form's model", () => {
  test("is found with its place, wherever it stands and however the form is split", () => {
    fc.assert(
      fc.property(forms, fc.array(fc.nat(4_000)), (parts, cuts) => {
        const bytes = writeForm(boundary, parts);
        const expected = parts.find(({ name }) => name === "model");
        const { model, stream } = scan(bytes, cuts);
        expect(model?.value).toBe(expected?.value.toString());
        expect(model && bytes.subarray(model.start, model.end).toString()).toBe(model?.value);
        expect(stream).toBe(parts.some(({ name }) => name === "stream"));
      }),
      { numRuns: 1_000 },
    );
  });

  test("is found at every single place where a form can be split in two", () => {
    const parts: Part[] = [
      { name: "file", file: "a.wav", value: Buffer.from(`\r\n--${boundary.slice(0, -1)}\r\n--`) },
      { name: "model", value: Buffer.from("echo") },
      { name: "prompt", value: Buffer.alloc(0) },
    ];
    const bytes = writeForm(boundary, parts);
    const whole = scan(bytes);
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(scan(bytes, [cut])).toEqual(whole);
  });

  test("is open from its first byte until its end has come", () => {
    const bytes = Buffer.from(field(`form-data; name="model"`).replaceAll("\n", "\r\n"));
    const form = new FormScan(boundary);
    const at = bytes.indexOf("echo");
    form.push(bytes.subarray(0, at + 2));
    expect([form.openModelAt, form.model]).toEqual([at, undefined]);
    form.push(bytes.subarray(at + 2));
    expect([form.openModelAt, form.model]).toEqual([
      undefined,
      { start: at, end: at + 4, value: "echo" },
    ]);
  });

  test.each([
    ['form-data; name="model"', "echo"],
    ["form-data; name=model", "echo"],
    ['FORM-DATA ;  Name="model"', "echo"],
    ['form-data; name="model"\nContent-Type: text/plain; charset=utf-8', "echo"],
    ['form-data; name="modeling"', undefined],
    [String.raw`form-data; name="file"; filename="C:\model.wav"`, undefined],
    [`form-data; name="file"; filename*=utf-8''m%C3%B6del`, undefined],
  ])("is read from %j as %j", (head, value) => {
    expect(scanText(field(head)).model?.value).toBe(value);
  });
});

describe("a form is refused", () => {
  test.each([
    ["names two models", part('form-data; name="model"').repeat(2), "more than once"],
    ["spells model in another case", field('form-data; name="Model"'), "spelled so"],
    ["hides model behind an escape", field(String.raw`form-data; name="mo\del"`), "spelled so"],
    ["hides model behind a percent sign", field('form-data; name="mod%65l"'), "spelled so"],
    ["pads model", field('form-data; name=" model"'), "spelled so"],
    ["sends model as a file", field('form-data; name="model"; filename="m"'), "plain text"],
    [
      "sends model in another encoding",
      field('form-data; name="model"\nContent-Transfer-Encoding: base64'),
      "plain text",
    ],
    [
      "sends model as UTF-16",
      field('form-data; name="model"\nContent-Type: text/plain; charset=utf-16'),
      "plain text",
    ],
    ["has a line end in its model", field('form-data; name="model"', "a\nb"), "line of text"],
    ["has a model that is no UTF-8", field('form-data; name="model"', "\xff"), "line of text"],
    ["has an endless model", field('form-data; name="model"', "x".repeat(2_000)), "too long"],
    ["has two names in a part", field('form-data; name="a"; name="model"'), "twice"],
    ["has an encoded name", field(`form-data; name="a"; name*=utf-8''model`), "no plain name"],
    ["has no name in a part", field("form-data"), "no plain name"],
    ["has a part that is no form data", field('attachment; name="a"'), "not form-data"],
    ["has a disposition that goes on", field('form-data; name="a" name="model"'), "not clear"],
    [
      "has two dispositions",
      field('form-data; name="a"\nContent-Disposition: form-data; name="model"'),
      "not clear",
    ],
    ["folds a line", field('form-data;\n name="model"'), "not clear"],
    ["has a part without a head", `--${boundary}\n\necho\n--${boundary}--\n`, "not clear"],
    ["has a part without a disposition", `--${boundary}\nX: y\n\necho`, "no Content-Disposition"],
    ["has an endless head", field(`form-data; name="${"x".repeat(9_000)}"`), "head is too long"],
    [
      "has too many lines in a head",
      field(`form-data; name="a"${"\nX: y".repeat(20)}`),
      "too many header lines",
    ],
    ["has something before its boundary", `hi\n${field('form-data; name="a"')}`, "does not begin"],
    ["begins with a line end", `\n${field('form-data; name="a"')}`, "does not begin"],
    ["has something behind a boundary", `--${boundary} \n`, "follows a boundary"],
    ["has something behind its end", `${field('form-data; name="a"')}--`, "follows its last"],
    ["ends early", part('form-data; name="a"'), "ends before"],
    ["is empty", "", "ends before"],
    [
      "has a boundary where a value would begin",
      `--${boundary}\nContent-Disposition: form-data; name="a"\n\n--${boundary}--\n`,
      "no value",
    ],
    ["has too many parts", part('form-data; name="a"').repeat(1_001), "too many parts"],
  ])("that %s", (_, text, why) => {
    expect(() => scanText(text)).toThrow(InvalidBody);
    expect(() => scanText(text)).toThrow(why);
  });

  test("whose bytes are not a form's, in any splitting, without another error than that", () => {
    const nearForm = fc
      .tuple(forms, fc.nat(), fc.constantFrom("", "\r", "\n", "-", '"', ";", "\0", `--${boundary}`))
      .map(([parts, at, extra]) => {
        const bytes = writeForm(boundary, parts);
        const cut = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, cut), Buffer.from(extra), bytes.subarray(cut + 1)]);
      });
    fc.assert(
      fc.property(nearForm, fc.array(fc.nat(4_000)), (bytes, cuts) => {
        expect(outcome(bytes, cuts)).toEqual(outcome(bytes, []));
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a boundary is taken from a content type that leaves no doubt", () => {
  expect(readBoundary('Multipart/Form-Data; boundary="a b"')).toBe("a b");
  expect(readBoundary("multipart/form-data;boundary=----x=1")).toBe("----x=1");
  for (const type of [
    "",
    "multipart/form-data",
    "multipart/mixed; boundary=a",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="a "',
    `multipart/form-data; boundary=${"x".repeat(71)}`,
    "multipart/form-data; boundary=a; boundary=b",
    "multipart/form-data; boundary=a, multipart/form-data; boundary=b",
    'multipart/form-data; boundary="a\\"b"',
  ]) {
    expect(() => readBoundary(type)).toThrow(InvalidBody);
  }
});

function outcome(bytes: Buffer, cuts: readonly number[]): unknown {
  try {
    return scan(bytes, cuts);
  } catch (error) {
    if (error instanceof InvalidBody) return "refused";
    throw error;
  }
}
