import { describe, expect, test } from "vitest";
import { probeSchema } from "../../src/gateway/config.ts";
import { judgeAnswer } from "../../src/gateway/upstreams/probe.ts";

const judge = (rule: object, status: number, body = "") =>
  judgeAnswer(probeSchema.parse(rule), { kind: "answered", status, body: Buffer.from(body) });

const silent = (code: string, connected: boolean) =>
  judgeAnswer(probeSchema.parse({}), { kind: "none", code, connected });

describe("judgeAnswer", () => {
  test("the statuses of the rule mean ready, loading, and else reachable", () => {
    expect(judge({}, 200).state).toBe("ready");
    expect(judge({}, 503).state).toBe("loading");
    expect(judge({}, 404)).toEqual({
      state: "reachable",
      detail: "GET /readyz answered 404, not 200",
    });
    expect(judge({ path: "/x", status: [200, 204], loading: [] }, 503).detail).toBe(
      "GET /x answered 503, not 200 or 204",
    );
  });

  test.each([
    [
      { status: "loading", stage: "loading weights", progress: 0.404, checks: { backend: "ok" } },
      "loading weights (40 %)",
    ],
    [
      {
        status: "no_model",
        stage: "ComfyUI has no model",
        checks: { comfyui: true, model: false, gpu: { status: "lost" }, disk: "full" },
      },
      "ComfyUI has no model; model is not ok; gpu: lost; disk: full",
    ],
    [{ error: { message: "Loading model", code: 503 } }, "Loading model"],
    [{ detail: "no model\n at http://10.0.0.3:8188/x" }, "no model at [address]"],
    [{ message: "x".repeat(400) }, `${"x".repeat(239)}…`],
  ])("what it says of itself is passed on, on one short line: %j", (body, words) => {
    const detail = `GET /readyz answered 503: ${words}`;
    expect(judge({}, 503, JSON.stringify(body))).toEqual({ state: "loading", detail });
  });

  test("it says nothing where it has nothing to say, and not once it is ready", () => {
    for (const body of ["", "null", "[1]", "<html>", '{"status":"loading","checks":[]}'])
      expect(judge({}, 503, body).detail).toBe("GET /readyz answered 503");
    expect(judge({}, 200, '{"stage":"idle"}').detail).toBe("GET /readyz answered 200");
    expect(judge({}, 500, '{"detail":"broken"}').detail).toBe(
      "GET /readyz answered 500, not 200: broken",
    );
  });

  test("a value in the JSON must be equal, deep inside and with escapes in the pointer", () => {
    const rule = { json: { pointer: "/checks/a~1b/0", equals: { ok: true } } };
    expect(judge(rule, 200, '{"checks":{"a/b":[{"ok":true}]}}').state).toBe("ready");
    expect(judge(rule, 200, '{"checks":{"a/b":[{"ok":false}]}}').state).toBe("reachable");
    expect(judge(rule, 200, "no json").detail).toContain('/checks/a~1b/0 is not {"ok":true}');
  });

  test("silence is told apart by whether anybody was there", () => {
    expect(silent("ECONNREFUSED", false)).toEqual({
      state: "unreachable",
      detail: "GET /readyz: it refused the connection",
    });
    expect(silent("timeout", true).detail).toContain("no answer within 5 s");
    expect(silent("UND_ERR_SOCKET", true).detail).toContain("closed without an answer");
  });
});
