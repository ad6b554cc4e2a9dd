import { describe, expect, it } from "vitest";
import { everyFate, migrate, outcome, untilStruck } from "./lives.ts";
import { Move } from "./old-installation.ts";

describe("a migration", () => {
  it("leaves the same once it ran again, at whatever change it was killed", async () => {
    await using whole = new Move();
    await migrate(whole);
    const wanted = outcome(whole);
    const lives = await everyFate(async (fate, at) => {
      await using move = new Move();
      await untilStruck(fate, migrate(move, fate));
      await migrate(move);
      expect({ at, ...outcome(move) }).toEqual({ at, ...wanted });
    });
    expect(lives).toBeGreaterThan(50);
  });
});
