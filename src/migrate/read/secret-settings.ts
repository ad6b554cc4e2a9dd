/** Which settings hold secrets, as far as names and values tell. Pure. */

const secretName = new RegExp(
  "(?:PASS(?:WORD|WD|PHRASE)?S?|SECRETS?|TOKENS?|CREDENTIALS?|TOKEN_POLICIES)(?:_KEYS?|_JSON|_BASE64)?$" +
    "|API_?KEYS?$|PRIVATE_?KEYS?$|(?:^|[_.-])KEYS?$" +
    "|(?:^|[_.-])(?:AUTH|AUTHORIZATION|BEARER|HEADERS?|JWT|PWD|SALT)$",
  "i",
);
/** `LIGHTON_OCR_MAX_TOKENS`, `JWT_PUBLIC_KEY`: counts, and what is to be seen. */
const openName = /(?:MAX|MIN|NUM|N|TOTAL|BATCHED|OUTPUT|INPUT|PROMPT)_TOKENS?$|PUBLIC_?KEYS?$/i;
const secretValue =
  /\w:\/\/[^:@\s/]*:[^@\s/]+@|^(?:sk|hf|ghp|gk|xox[bp]|nx)[-_]\w{8,}|^eyJ[\w-]{8,}\.[\w-]+\./;
/** `Authorization: Bearer …`, and what a command line is told: `--api-key …`. */
const secretWords =
  /\b(?:bearer|basic)\s+[\w.~+/=-]{4,}|--(?:[a-z-]+-)?(?:api-?key|key|token|password|secret)[\s=]+\S/i;

/** Whether a setting of this name holds a secret: `TELEGRAM_TOKEN`, `HF_TOKEN`, `GATEWAY_TOKEN_POLICIES_JSON`, `DB_PASSWORD`. */
export function isSecretSetting(name: string): boolean {
  return secretName.test(name) && !openName.test(name);
}

/** Whether a value gives itself away: a URL with a password, a key with a well-known beginning, or words that a secret comes after. */
export function isSecretValue(value: string): boolean {
  return secretValue.test(value) || secretWords.test(value);
}
