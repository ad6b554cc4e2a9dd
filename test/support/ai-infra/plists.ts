/** Property lists as macOS keeps them: XML, and the binary form. */
import { build, buildBinary, type PlistValue as Buildable } from "plist";

/** What a property list of the fixture holds. */
export type PlistValue =
  | string
  | number
  | boolean
  | readonly PlistValue[]
  | Readonly<{ [key: string]: PlistValue }>;

/** A property list as XML. */
export function xmlPlist(value: Readonly<Record<string, PlistValue>>): string {
  return `${build(structuredClone(value) as unknown as Buildable)}\n`;
}

/** A property list in the binary form. */
export function binaryPlist(value: Readonly<Record<string, PlistValue>>): Buffer {
  return Buffer.from(buildBinary(structuredClone(value) as unknown as Buildable));
}
