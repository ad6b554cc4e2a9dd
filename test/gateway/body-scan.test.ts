import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanBody } from "../../src/gateway/request/body-scan.ts";
import { InvalidBody } from "../../src/gateway/request/invalid-body.ts";
import { splice } from "../../src/gateway/request/splice.ts";

const scanText = (text: string) => scanBody(Buffer.from(text));

const escapedModel = String.raw`"mod\u0065l"`;

/** Objects whose keys like to be the ones that matter. */
const bodies = fc.dictionary(
  fc.oneof(fc.constantFrom("model", "stream", "messages", 'mo"del', "mod\\el"), fc.string()),
  fc.oneof(fc.jsonValue(), fc.string(), fc.boolean()),
);

/** JSON text in spellings that mean the same: with and without spaces, keys with and without escapes. */
const spellings = fc
  .tuple(bodies, fc.constantFrom(undefined, 1, "\t"), fc.boolean())
  .map(([body, space, escaped]) => {
    const text = JSON.stringify(body, undefined, space);
    return { body, text: escaped ? text.replaceAll('"model"', escapedModel) : text };
  });

const isPlain = (body: object) =>
  Object.keys(body).filter((key) => key.toLowerCase() === "model").length <= 1 &&
  (!("model" in body) || typeof body.model === "string");

describe("scanBody", () => {
  test("it finds what JSON.parse finds, in any spelling", () => {
    fc.assert(
      fc.property(spellings, ({ body, text }) => {
        fc.pre(isPlain(body));
        const parsed = JSON.parse(text);
        const scan = scanText(text);
        expect(scan.model?.value).toBe(parsed.model);
        expect(scan.stream).toBe(parsed.stream === true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("it takes exactly the texts that JSON.parse takes as an object, when they are small", () => {
    const nearJson = fc
      .tuple(bodies, fc.nat(), fc.constantFrom("", "{", "}", '"', ",", ":", "\\", "[", "x", "\0"))
      .map(([body, at, extra]) => {
        const text = JSON.stringify(body);
        const cut = at % (text.length + 1);
        return text.slice(0, cut) + extra + text.slice(cut + (at % 2));
      });
    fc.assert(
      fc.property(fc.oneof(nearJson, fc.string(), fc.json()), (text) => {
        expect(takes(text)).toBe(isTakable(text));
      }),
      { numRuns: 5_000 },
    );
  });

  test("the model is replaced and no other byte is touched", () => {
    fc.assert(
      fc.property(bodies, fc.string(), fc.string(), (body, before, after) => {
        fc.pre(isPlain({ ...body, model: before }));
        const text = JSON.stringify({ ...body, model: before });
        const buffer = Buffer.from(text);
        const { model } = scanBody(buffer);
        const place = model ?? { start: 0, end: 0 };
        const spliced = splice(buffer, [{ ...place, value: JSON.stringify(after) }]).toString();
        expect(spliced).toBe(JSON.stringify({ ...body, model: after }));
      }),
    );
  });

  test("a large body is scanned by its structure, wherever the model stands", () => {
    const text = 'tokens \\ " { [ ] } and \u{1f600} '.repeat(5_000);
    const body = { messages: [{ role: "user", content: text }], stream: true, model: "last" };
    expect(scanText(JSON.stringify(body))).toMatchObject({
      stream: true,
      model: { value: "last" },
    });
    expect(() => scanText(JSON.stringify(body).slice(0, -1))).toThrow(InvalidBody);
    expect(() => scanText(`${JSON.stringify(body)}}`)).toThrow(InvalidBody);
  });

  test.each([
    ['{"model":"a","model":"b"}', "twice"],
    ['{"model":"a","Model":"b"}', "in another case, which Go takes for the same"],
    [String.raw`{"model":"a","mod\u0065l":"b"}`, "behind an escape"],
    [`{"model":"a","pad":"${"x".repeat(70_000)}","model":"b"}`, "far behind the first"],
  ])("a second model is refused: %$", (text) => {
    expect(() => scanText(text)).toThrow("more than once");
  });

  test("a model inside another value is nobody's model", () => {
    expect(
      scanText('{"metadata":{"model":"inner"},"tools":[{"model":"x"}]}').model,
    ).toBeUndefined();
  });

  test("bytes that are not UTF-8 are refused", () => {
    expect(() => scanBody(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow(
      "UTF-8",
    );
  });
});

function takes(text: string): boolean {
  try {
    scanText(text);
    return true;
  } catch (error) {
    if (error instanceof InvalidBody) return false;
    throw error;
  }
}

/** What the scanner should take, told by JSON.parse and the number of keys that could be the model. */
function isTakable(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
    const models = text.match(/"model"/gi)?.length ?? 0;
    return models <= 1 && isPlain(value);
  } catch {
    return false;
  }
}
