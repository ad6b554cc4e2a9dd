/** The header that carries a trace from one program to the next (W3C Trace Context, version 00). */

/** A place in a trace. */
export type TraceContext = Readonly<{ traceId: string; spanId: string; flags: number }>;

const pattern = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const noTrace = "0".repeat(32);
const noSpan = "0".repeat(16);

/** Reads a header; undefined when it is none that anybody may trust. */
export function readTraceparent(text: string): TraceContext | undefined {
  const [, traceId = noTrace, spanId = noSpan, flags = "00"] = pattern.exec(text) ?? [];
  if (traceId === noTrace || spanId === noSpan) return undefined;
  if (text.startsWith("00") && text.length !== 55) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** Writes the header. */
export function writeTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}
