/** Tokens that are no secret, because everybody knows them. Pure. */

/** Templates and other people's examples: whoever knows those knows the token. */
const placeholder =
  /^(?:REPLACE(?:_|$)|CHANGE[-_]?(?:ME|THIS)|YOUR[-_]|EXAMPLE|PLACEHOLDER|TODO|X{3,}$|(?:TOKEN|SECRET|PASSWORD|TEST|NONE)$|<.*>$)/i;

/** Whether everybody knows this token. */
export function isPlaceholder(token: string): boolean {
  return placeholder.test(token);
}
