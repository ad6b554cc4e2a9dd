import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endpoints } from "../../src/gateway/api/endpoints.ts";
import type { AliasCaps } from "../../src/gateway/config.ts";
import { capPayload } from "../../src/gateway/request/caps.ts";
import { jsonPayload } from "../../src/gateway/request/payload.ts";

function capped(path: string, body: string, caps: AliasCaps): string {
  const endpoint = endpoints.find((one) => one.path === path);
  if (!endpoint) throw new Error(`no endpoint ${path}`);
  const payload = capPayload(jsonPayload(Buffer.from(body)), endpoint, caps);
  const made = payload.bodyFor(undefined, []);
  return made instanceof Buffer ? made.toString() : "";
}

const chat = (body: string, caps: AliasCaps) => capped("/v1/chat/completions", body, caps);

describe("caps of an alias", () => {
  test.each([
    ['{"model":"m","max_tokens":9000}', '{"model":"m","max_tokens":512}'],
    ['{"model":"m", "max_tokens" : 1e5 }', '{"model":"m", "max_tokens" : 512 }'],
    ['{"max_completion_tokens":513,"model":"m"}', '{"max_completion_tokens":512,"model":"m"}'],
    ['{"model":"m","max_tokens":-1}', '{"model":"m","max_tokens":512}'],
    ['{"model":"m","max_tokens":null}', '{"model":"m","max_tokens":512}'],
    ['{"model":"m","max_tokens":"9000"}', '{"model":"m","max_tokens":512}'],
    ['{"model":"m","Max_Tokens":9000}', '{"model":"m","Max_Tokens":512}'],
    ['{"model":"m","max\\u005ftokens":9000}', '{"model":"m","max\\u005ftokens":512}'],
    [
      '{"max_tokens":9000,"model":"m","max_tokens":9001}',
      '{"max_tokens":512,"model":"m","max_tokens":512}',
    ],
    ['{"model":"m"}', '{"max_tokens":512,"model":"m"}'],
    [' { "model":"m"}', ' {"max_tokens":512, "model":"m"}'],
  ])("%s becomes %s", (body, wanted) => {
    expect(chat(body, { max_tokens: 512 })).toBe(wanted);
  });

  test("what is within them stays as it is, byte for byte", () => {
    const body = '{ "model":"m","max_tokens":5.12e2 ,"temperature":0.70,"n":{"max_tokens":1e9}}';
    expect(chat(body, { max_tokens: 512, temperature: 0.7 })).toBe(body);
  });

  test("each endpoint of text has its own name for tokens, and the others know none", () => {
    const caps = { max_tokens: 9, temperature: 0 };
    const bare = '{"model":"m"}';
    const set = (name: string) => `{"${name}":9,"temperature":0,"model":"m"}`;
    expect(capped("/v1/completions", bare, caps)).toBe(set("max_tokens"));
    expect(capped("/v1/messages", bare, caps)).toBe(set("max_tokens"));
    expect(capped("/v1/responses", bare, caps)).toBe(set("max_output_tokens"));
    expect(capped("/v1/embeddings", bare, caps)).toBe(bare);
  });

  test("whatever is asked, no more comes out, and nothing else changes", () => {
    const asked = fc.record(
      {
        model: fc.constant("m"),
        max_tokens: fc.oneof(fc.double(), fc.integer(), fc.jsonValue()),
        temperature: fc.oneof(fc.double(), fc.jsonValue()),
        messages: fc.array(fc.jsonValue()),
        stream: fc.boolean(),
      },
      { requiredKeys: ["model"] },
    );
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 4_096 }), (body, most) => {
        const text = JSON.stringify(body);
        const made = JSON.parse(chat(text, { max_tokens: most, temperature: 0.5 }));
        const { max_tokens: tokens, temperature, ...rest } = made;
        const { max_tokens: _tokens, temperature: _temperature, ...before } = JSON.parse(text);
        expect(rest).toEqual(before);
        expect(tokens).toBeLessThanOrEqual(most);
        expect(tokens).toBeGreaterThanOrEqual(0);
        expect(temperature).toBeLessThanOrEqual(0.5);
      }),
      { numRuns: 500 },
    );
  });
});
