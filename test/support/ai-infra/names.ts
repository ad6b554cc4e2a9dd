/** The three machines of the fixture. */

/** What the machines are called; URLs and `hosts.yaml` use these names. */
export type HostNames = Readonly<Record<"ai1" | "ai2" | "ada2", string>>;
