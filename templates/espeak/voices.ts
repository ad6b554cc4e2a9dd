/** Which voices there are, and which one a request means. */
import { printVoices } from "./espeak.ts";
import { ApiError } from "./http.ts";

/** A voice as `GET /v1/audio/voices` lists it. */
type Voice = { id: string; name: string; language: string };

/** A voice with the file that espeak-ng finds it by: under some languages' names it forgets variants. */
type Language = { voice: Voice; file: string };

/** OpenAI's voices, as near as espeak-ng's come to them. */
const openAiVoices: Record<string, string> = {
  alloy: "en-us",
  ash: "en-us+m3",
  ballad: "en-gb+m4",
  cedar: "en-us+m7",
  coral: "en-us+f3",
  echo: "en-us+m2",
  fable: "en-gb",
  marin: "en-us+f5",
  nova: "en-us+f2",
  onyx: "en-us+m5",
  sage: "en-us+f4",
  shimmer: "en-us+f1",
  verse: "en-gb-x-rp+m6",
};

export class Voices {
  #languages: ReadonlyMap<string, Language> = new Map();
  #variants: ReadonlySet<string> = new Set();

  /** Asks espeak-ng for its voices. */
  async load(program: string): Promise<void> {
    const [languages, variants] = await Promise.all([
      printVoices(program),
      printVoices(program, "variant"),
    ]);
    this.#languages = byCode(rowsOf(languages));
    this.#variants = new Set(rowsOf(variants).map(({ file }) => file.replace(/^!v\//, "")));
  }

  /** The names that a request may use; a variant may follow each language's, as in `de+f2`. */
  list(): Voice[] {
    const named = Object.entries(openAiVoices).map(([id, voice]) => ({
      id,
      name: `${id[0]?.toUpperCase()}${id.slice(1)}: ${voice}`,
      language: voice.split("+")[0] ?? voice,
    }));
    return [...named, ...[...this.#languages.values()].map(({ voice }) => voice)];
  }

  /** What espeak-ng calls the voice that is asked for; throws an ApiError when it has none such. */
  find(wanted: string): string {
    const known = Object.hasOwn(openAiVoices, wanted) ? openAiVoices[wanted] : wanted;
    const [language = "", variant, ...more] = (known ?? wanted).split("+");
    const found = this.#languages.get(language.toLowerCase());
    const isKnown = variant === undefined || this.#variants.has(variant);
    if (!found || !isKnown || more.length > 0) throw unknownVoice(wanted);
    return variant === undefined ? found.file : `${found.file}+${variant}`;
  }
}

type Row = { language: string; name: string; file: string; others: string };

/** The lines of a table such as ` 5  fr-be  --/M  French_(Belgium)  roa/fr-BE  (fr 8)`. */
function rowsOf(table: string): Row[] {
  return table.split("\n").flatMap((line) => {
    const found = /^\s*\d+\s+(\S+)\s+\S+\s+(\S+)\s+(\S+)\s*(.*)$/.exec(line);
    if (!found) return [];
    const [, language = "", name = "", file = "", others = ""] = found;
    return [{ language, name: name.replaceAll("_", " ").trim(), file, others }];
  });
}

/** Each voice under its own language, and under those that it speaks as well, such as `fr` for `fr-fr`: the lowest number is nearest. */
function byCode(rows: Row[]): Map<string, Language> {
  const nearest = new Map<string, Language & { distance: number }>();
  for (const { language, name, file, others } of rows) {
    const further = [...others.matchAll(/\((\S+) (\d+)\)/g)];
    const codes = [[language, 0] as const, ...further.map(([, code, far]) => [code, far] as const)];
    for (const [code = "", far] of codes) {
      const id = code.toLowerCase();
      const distance = Number(far);
      if ((nearest.get(id)?.distance ?? Infinity) <= distance) continue;
      nearest.set(id, { voice: { id, name, language }, file, distance });
    }
  }
  return nearest;
}

function unknownVoice(wanted: string): ApiError {
  const message = `There is no voice \`${wanted.slice(0, 60)}\`: GET /v1/audio/voices lists them.`;
  return new ApiError(400, message, { param: "voice", code: "voice_not_found" });
}
