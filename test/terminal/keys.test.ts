import { expect, test } from "vitest";
import type { ListedKey } from "../../src/gateway/protocol.ts";
import { formatKeys } from "../../src/terminal/keys.ts";
import { themeOf } from "../../src/terminal/theme.ts";

const key: ListedKey = {
  name: "cron",
  digest: `sha256:${"0".repeat(64)}`,
  hint: "nx_abcd",
  scopes: ["inference"],
  created_at: "2026-01-01T00:00:00.000Z",
};

test("a key is listed with everything that limits it", async () => {
  const theme = await themeOf(process.stdout);
  const limits = { requests_per_minute: 5, max_request_bytes: 1_048_576 };
  const allowed_ips = ["127.0.0.1", "10.0.0.0/8"];
  const text = formatKeys([{ ...key, limits, allowed_ips }], { theme, nowMs: 0 });
  expect(text).toContain("5 requests/min, 1MiB/request, from 127.0.0.1 10.0.0.0/8");
});
