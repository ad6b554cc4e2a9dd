import { defineConfig } from "vitest/config";

const contract = "test/**/*.contract.test.ts";
const gateway = "test/gateway/**/*.test.ts";
const e2e = "test/e2e/**/*.test.ts";

export default defineConfig({
  test: {
    disableConsoleIntercept: true,
    projects: [
      { test: { name: "unit", include: ["test/**/*.test.ts"], exclude: [contract, gateway, e2e] } },
      { test: { name: "gateway", include: [gateway], exclude: [contract], testTimeout: 30_000 } },
      { test: { name: "contract", include: [contract], testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        test: {
          name: "e2e",
          include: [e2e],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
