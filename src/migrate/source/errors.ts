/** The failures of reading an old installation. None of them leaves anything changed there. */
import { exitCodes, NexusError } from "../../errors.ts";

/** What `--source` names is not there, or is no folder and no archive. */
export class SourceNotFoundError extends NexusError {
  readonly code = "NEXUS_SOURCE_NOT_FOUND";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Name a copied folder, a tar or tar.gz of one, or an old gateway-backup.tar.gz: `nexus migrate --from ai-infra --source PATH`.";
  override readonly details: Readonly<{ path: string }>;

  constructor(path: string, why: string) {
    super(`${path} cannot be migrated from: ${why}.`);
    this.details = { path };
  }
}

/** An archive is cut off, damaged, or none. */
export class ArchiveBrokenError extends NexusError {
  readonly code = "NEXUS_ARCHIVE_BROKEN";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Copy it again and compare its checksum with the original's; only tar and tar.gz are read: unpack any other and give its folder with `--source`.";
  override readonly details: Readonly<{ archive: string }>;

  constructor(archive: string, why: string) {
    super(`${archive} cannot be unpacked: ${why}.`);
    this.details = { archive };
  }
}

/** An archive holds more than fits on this machine's disk. */
export class SourceTooBigError extends NexusError {
  readonly code = "NEXUS_SOURCE_TOO_BIG";
  readonly exitCode = exitCodes.resources;
  readonly remedy =
    "Free some space, point TMPDIR at a bigger disk, or unpack it yourself and give its folder with `--source`.";
  override readonly details: Readonly<{ archive: string; freeBytes: number }>;

  constructor(archive: string, freeBytes: number) {
    super(`${archive} holds more than there is room for (${freeBytes} bytes).`);
    this.details = { archive, freeBytes };
  }
}

/** What must be copied out of a container only to look at it does not fit on this machine's disk. */
export class VolumeTooBigError extends NexusError {
  readonly code = "NEXUS_VOLUME_TOO_BIG";
  readonly exitCode = exitCodes.resources;
  readonly remedy = "Free some space, or point TMPDIR at a bigger disk, and run it again.";
  override readonly details: Readonly<{ folder: string; neededBytes: number; freeBytes: number }>;

  constructor(folder: string, neededBytes: number, freeBytes: number) {
    super(
      `To look at what ${folder} holds, ${neededBytes} bytes of databases and settings have to be copied, and there is room for ${freeBytes}.`,
    );
    this.details = { folder, neededBytes, freeBytes };
  }
}

/** Something of the old installation is needed and cannot be read. */
export class SourceUnreadableError extends NexusError {
  readonly code = "NEXUS_SOURCE_UNREADABLE";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Run it again as somebody who may read it (`sudo`, or a user of the host with `sudo -n`), or give a copied folder with `--source`.";
  override readonly details: Readonly<{ host: string; path: string }>;

  constructor(host: string, path: string, why: string) {
    super(`${path} of ${host} could not be read: ${why}.`);
    this.details = { host, path };
  }
}

/** A service of the old installation did not stop or start. */
export class LegacyServiceError extends NexusError {
  readonly code = "NEXUS_LEGACY_SERVICE";
  readonly exitCode = exitCodes.notReady;
  readonly remedy: string;
  override readonly details: Readonly<{ host: string; unit: string }>;

  constructor(
    failed: Readonly<{ host: string; unit: string; to: "stopped" | "started"; why: string }>,
  ) {
    const { host, unit, to, why } = failed;
    super(`${unit} of ${host} could not be ${to}: ${why}.`);
    const verb = to === "stopped" ? "Stop" : "Start";
    this.remedy = `${verb} ${unit} on ${host} by hand, as root there, then run the command again.`;
    this.details = { host, unit };
  }
}

/** What `--host` says cannot be read. */
export class HostFlagError extends NexusError {
  readonly code = "NEXUS_SOURCE_HOST";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Write `--host NAME=ssh://USER@HOST[:PORT]`, once for each host.";

  constructor(host: string, why: string) {
    super(`The host ${host.replace(/=.*/s, "")} cannot be used: ${why}.`);
  }
}

/** A host of the old installation cannot be logged in to. */
export class SourceUnreachableError extends NexusError {
  readonly code = "NEXUS_SOURCE_UNREACHABLE";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Try `ssh HOST true` with the same user and port: it must log in with a key and without a question. Then run the command again.";
  override readonly details: Readonly<{ host: string }>;

  constructor(host: string, why: string) {
    super(`${host} could not be reached through ssh: ${why}.`);
    this.details = { host };
  }
}
