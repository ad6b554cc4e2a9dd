/** The old gateway's library of voices: `.voice_index.json` beside the recordings. Pure. */
import type { Place, Reading } from "../reading.ts";
import { convertDocument } from "./document.ts";
import { defined, Fields } from "./fields.ts";
import { readJson } from "./json.ts";

/** A recorded voice. */
export type FoundVoice = Readonly<{
  id: string;
  name: string;
  at: Place;
  /** In the folder of the index; never a path. */
  file: string;
  mime: string;
  bytes?: number;
  /** Hexadecimal, of the recording. */
  sha256: string;
}>;

/** Reads an index of voices: one that is broken does not lose the others. */
export function readVoiceIndex(bytes: Buffer, at: Place): Reading<readonly FoundVoice[]> {
  return convertDocument(readJson(bytes, at), at, (root, notes) => {
    const found: FoundVoice[] = [];
    for (const [sha256, part] of root) {
      const what = `voices.${sha256}`;
      const fields = new Fields(part.kind === "map" ? part.entries : new Map(), what, notes);
      const voice = readVoice(sha256, notes.place(part.line), fields);
      fields.noteRest("is nothing that the old gateway wrote.");
      if (voice !== undefined) found.push(voice);
      else notes.add(part.line, what, "names no checksum, or no file beside it: it is no voice.");
    }
    return found;
  });
}

function readVoice(sha256: string, at: Place, fields: Fields): FoundVoice | undefined {
  const file = fields.text("filename") ?? "";
  const stem = file.replace(/\.[^.]*$/, "");
  const voice = {
    id: fields.text("id") ?? stem,
    name: fields.text("name") ?? stem,
    at,
    file,
    mime: fields.text("mime") ?? "audio/wav",
    bytes: fields.number("bytes"),
    sha256: fields.text("sha256") ?? sha256,
  };
  const whole = /^[0-9a-f]{64}$/.test(sha256) && voice.sha256 === sha256;
  return whole && /^[^/\\.][^/\\]*$/.test(file) ? defined(voice) : undefined;
}
