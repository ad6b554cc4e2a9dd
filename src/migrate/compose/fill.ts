/** Fills variables into whatever a Compose file holds. Pure. */
import { interpolate, type Variables } from "../../stack/interpolate.ts";
import { isRecord } from "../../stack/record.ts";

/** The value with its variables filled in; what cannot be filled in stays as far as it could. */
export function filled(value: unknown, variables: Variables): unknown {
  if (typeof value === "string") return interpolate(value, variables).text;
  if (Array.isArray(value)) return value.map((item) => filled(item, variables));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, filled(inner, variables)]),
  );
}

/** A scalar as it reads; whatever else stands where one belongs, as JSON, so that it is refused by its looks. */
export function wordOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
