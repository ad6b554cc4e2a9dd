/** What a stand-in was told to lie about. */

/** The lies that every stand-in knows, as far as they make sense for its software. */
type Lie = "ready-without-model" | "never-ready" | "wrong-model" | "cpu";

/** Whether `STAND_IN_LIE` asks for that lie. */
export function liesAbout(lie: Lie): boolean {
  return process.env["STAND_IN_LIE"] === lie;
}

/** The model that is served: another one than was asked for, by a stand-in that lies about it. */
export function servedModel(asked: string): string {
  return liesAbout("wrong-model") ? "another/model" : asked;
}

/** Whether the container was given a GPU that the stand-in admits to use. */
export function usesGpu(): boolean {
  const given = process.env["NVIDIA_VISIBLE_DEVICES"] ?? "";
  return !["", "void", "none"].includes(given) && !liesAbout("cpu");
}
