import { describe, expect, it } from "vitest";
import { everyFate, everything, migrate, rollBack, unlessNone, untilStruck } from "./lives.ts";
import { Move } from "./old-installation.ts";

describe("a migration", () => {
  it("is taken back bit for bit, at whatever change it was killed", async () => {
    await everyFate(async (fate, at) => {
      await using move = new Move();
      const before = everything(move);
      await untilStruck(fate, migrate(move, fate));
      await unlessNone(rollBack(move));
      expect({ at, ...everything(move) }).toEqual({ at, ...before });
    });
  });

  it("is taken back bit for bit, at whatever change taking back was killed", async () => {
    const lives = await everyFate(async (fate, at) => {
      await using move = new Move();
      const before = everything(move);
      await migrate(move);
      await untilStruck(fate, rollBack(move, fate));
      await unlessNone(rollBack(move));
      expect({ at, ...everything(move) }).toEqual({ at, ...before });
    });
    expect(lives).toBeGreaterThan(10);
  });
});
