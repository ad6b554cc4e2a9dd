/** The words by which people ask for a job. Pure. */
import { jobs } from "./template.ts";

/** What a service is wanted for, whoever does it. */
export type Job = (typeof jobs)[number];

/** Everyday words, by the job that is meant; written without anything between letters. */
const synonyms: Readonly<Record<Job, readonly string[]>> = {
  llm: ["llms", "chat", "completion", "completions", "text", "languagemodel"],
  embeddings: ["embedding", "embed", "embedder"],
  rerank: ["reranker", "reranking", "ranking"],
  tts: ["speech", "texttospeech", "voice", "speak"],
  asr: ["stt", "speechtotext", "transcription", "transcriptions", "transcribe", "dictation"],
  images: ["image", "imagegeneration", "texttoimage", "pictures", "diffusion"],
  "chat-ui": ["ui", "webui", "frontend", "web"],
  search: ["websearch", "metasearch"],
  vectors: ["vector", "vectordb", "vectordatabase", "vectorstore"],
  monitoring: ["metrics", "dashboard", "dashboards", "observability", "monitor"],
};

/** The job that a word means; undefined when it means none. */
export function jobOf(word: string): Job | undefined {
  const bare = bareWord(word);
  return jobs.find((job) => bareWord(job) === bare || synonyms[job].includes(bare));
}

/** A word as it is compared: `llama.cpp`, `Llama_CPP` and `llamacpp` are the same. */
export function bareWord(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}
