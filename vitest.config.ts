import { defineConfig } from "vitest/config";

const contract = "test/**/*.contract.test.ts";
const gateway = "test/gateway/**/*.test.ts";
const e2e = "test/e2e/**/*.test.ts";

/** One kind of test after the other: those that wait for an engine must not wait for a busy processor as well. */
const inTurn = (groupOrder: number) => ({ sequence: { groupOrder } });

export default defineConfig({
  test: {
    disableConsoleIntercept: true,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [contract, gateway, e2e],
          testTimeout: 20_000,
          ...inTurn(0),
        },
      },
      { test: { name: "gateway", include: [gateway], testTimeout: 30_000, ...inTurn(1) } },
      {
        test: {
          name: "contract",
          include: [contract],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...inTurn(2),
        },
      },
      {
        test: {
          name: "e2e",
          include: [e2e],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // A shared CI machine can stall for seconds; people see every failure at once.
          retry: process.env["CI"] ? 1 : 0,
          maxWorkers: 2,
          ...inTurn(3),
        },
      },
    ],
  },
});
