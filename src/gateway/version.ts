/** Which build this is. */

declare const NEXUS_VERSION: string | undefined;

/** The version that the bundler wrote in; `0.0.0-source` when run from source. */
export const version = typeof NEXUS_VERSION === "string" ? NEXUS_VERSION : "0.0.0-source";
