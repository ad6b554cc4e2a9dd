import { expect, it } from "vitest";
import { isSecretSetting, isSecretValue } from "../../../src/migrate/read/secret-settings.ts";

it.each([
  "GATEWAY_BEARER_TOKEN",
  "GATEWAY_BEARER_TOKENS",
  "GATEWAY_TOKEN_POLICIES_JSON",
  "TELEGRAM_TOKEN",
  "HF_TOKEN",
  "HUGGING_FACE_HUB_TOKEN",
  "OPENAI_API_KEY",
  "apikey",
  "JWT_SECRET_KEY",
  "LITELLM_MASTER_KEY",
  "POSTGRES_PASSWORD",
  "SMTP_PASS",
  "AWS_CREDENTIALS",
  "TTS_AUTH",
  "IMAGES_HTTP_HEADERS",
  "UI_SESSION_SALT",
])("%s holds a secret", (name) => expect(isSecretSetting(name)).toBe(true));

it.each([
  "LIGHTON_OCR_MAX_TOKENS",
  "VLLM_TOKENIZER",
  "GATEWAY_TOKEN_POLICIES_STRICT",
  "GATEWAY_TLS_KEY_PATH",
  "OLLAMA_KEEP_ALIVE",
  "USER_SESSION_COOKIE",
  "USER_AUTH_ENABLED",
  "MONKEY",
  "JWT_PUBLIC_KEY",
  "TOOLS_REGISTRY_SHA256",
])("%s holds none", (name) => expect(isSecretSetting(name)).toBe(false));

it("knows values that give themselves away", () => {
  expect(isSecretValue("postgres://ai:hunter2@db/ai")).toBe(true);
  expect(isSecretValue("hf_0123456789abcdef")).toBe(true);
  expect(isSecretValue("Authorization: Bearer abc.def")).toBe(true);
  expect(isSecretValue("serve --api-key abc")).toBe(true);
  expect(isSecretValue("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x")).toBe(true);
  expect(isSecretValue("http://ada2:7860")).toBe(false);
  expect(isSecretValue("--max-tokens 5 --output")).toBe(false);
});
