/** What services can do. */

/** Every capability, in the order in which they are listed to people. */
export const capabilities = [
  "chat",
  "completion",
  "messages",
  "embedding",
  "rerank",
  "image",
  "audio",
  "tts",
  "asr",
  "video",
  "ocr",
  "music",
  "realtime",
  "tool",
  "ui",
] as const;
