/** How long the gateway waits, and what it says while it does. */
import { z } from "zod";
import { formatDuration } from "../quantities.ts";
import { duration, refuse } from "./fields.ts";

const shortestMs = 1_000;
const longestMs = 7 * 24 * 3_600_000;

const limit = duration.transform((milliseconds, context) =>
  milliseconds >= shortestMs && milliseconds <= longestMs
    ? milliseconds
    : refuse(context, "must be between 1s and 7d"),
);

/** A limit in milliseconds, or `off`, which is 0. */
const limitOrOff = z.union([z.literal("off").transform(() => 0), limit], {
  error: "must be `off` or a duration between 1s and 7d, such as 30s",
});

/** Limits of a request as written; milliseconds when read. */
export const timeouts = z.strictObject({
  first_byte: limit
    .optional()
    .describe("From sending a request to the first byte of its answer; 15m by default."),
  idle: limit.optional().describe("Between two parts of an answer; 5m by default."),
  total: limitOrOff
    .optional()
    .describe("From a request's arrival to the end of its answer, or off; off by default."),
});

/** The heart-beat of waiting streams as written; milliseconds when read, 0 for none. */
export const heartbeat = limitOrOff;

/** Both as a stack file writes them. */
export function writePatience({
  timeouts: limits = {},
  heartbeat: beat,
}: Readonly<{
  timeouts?: z.output<typeof timeouts> | undefined;
  heartbeat?: z.output<typeof heartbeat> | undefined;
}>): Readonly<Record<string, unknown>> {
  const written = Object.entries(limits).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, orOff(value)]],
  );
  return {
    ...(written.length > 0 && { timeouts: Object.fromEntries(written) }),
    ...(beat !== undefined && { heartbeat: orOff(beat) }),
  };
}

function orOff(milliseconds: number): string {
  return milliseconds === 0 ? "off" : formatDuration(milliseconds);
}
