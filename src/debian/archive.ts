import { type Fault, faultsOf, parseYaml, placeFaults, reportFaults } from '#core'
import { type ArchiveDocument, archiveSchema } from './archive-schema.ts'
import { DebianError } from './errors.ts'

/** A named set of suites with their keys: what `archives/NAME.yaml` says. */
export interface Archive {
  readonly name: string
  readonly description: string
  /** What the suites are a release of; absent for an add-on repository. */
  readonly release?: { readonly id: string; readonly version: string; readonly codename: string }
  /**
   * How an image gets the links `/bin`, `/sbin`, `/lib`, `/lib64`: base-files ships them, an effect makes them, or the
   * release has none. Absent for an add-on repository.
   */
  readonly mergedUsr?: 'shipped' | 'made' | 'none'
  readonly keys: Readonly<Record<string, ArchiveKey>>
  /** By kind of mirror: a mirror of one kind serves every suite of that kind. */
  readonly mirrors: Readonly<Record<string, MirrorKind>>
  /** In order of preference. */
  readonly suites: readonly ArchiveSuite[]
}

/** A pinned OpenPGP certificate: its file, beside the archive's, and the fingerprint of its primary key. */
export interface ArchiveKey {
  readonly file: string
  /** Upper-case hex, 40 or 64 digits. */
  readonly fingerprint: string
}

/** Where the files of one kind of mirror are found when the place of building does not say. */
export interface MirrorKind {
  readonly builtIn: readonly string[]
  /** The snapshot service's base for this kind; a timestamp and the file's path follow it. */
  readonly snapshot?: string
}

/** One suite of an archive and the rules by which it is trusted. */
export interface ArchiveSuite {
  /** The suite's folder below `dists/`, or, ending in `/`, the folder of a flat repository (sources.list(5)). */
  readonly suite: string
  readonly mirror: string
  /** Empty for a flat repository. */
  readonly components: readonly string[]
  /** Each field that is given must stand in the signed Release file with exactly this value. */
  readonly identity: {
    readonly origin?: string
    readonly label?: string
    readonly codename?: string
    /** Only where it is a fixed name that tells suites of one codename apart, as Ubuntu's is; Debian's changes. */
    readonly suite?: string
  }
  /** Names of the archive's keys; one valid signature by one of them is needed. */
  readonly signedBy: readonly string[]
  /** Hours after the suite's Date at which its age is reported; absent where Date says nothing about freshness. */
  readonly loudAfterHours?: number
  /** Higher is preferred; 500 unless the file says otherwise, as apt_preferences(5) has it. */
  readonly priority: number
}

/**
 * Reads an archive file. `origin` names the file in errors. Throws `ARCHIVE_INVALID`, with line and column, for
 * anything that is not exactly the form `archives/README.md` describes.
 */
export function parseArchive(text: string, origin: string): Archive {
  const document = parseYaml(text)
  if (!('value' in document)) throw new DebianError('ARCHIVE_INVALID', reportFaults(INTENT, origin, document))
  const { value } = document
  const faults = faultsOf(archiveSchema, value)
  if (!isArchiveDocument(value, faults)) {
    throw new DebianError('ARCHIVE_INVALID', reportFaults(INTENT, origin, placeFaults(faults, document), faults.length))
  }
  const archive = archiveFrom(value)
  checkReferences(archive, origin)
  return archive
}

const INTENT = 'cannot read archive'

/** The schema is where the document's type is inferred from, so a value without faults has it. */
function isArchiveDocument(_value: unknown, faults: readonly Fault[]): _value is ArchiveDocument {
  return faults.length === 0
}

function archiveFrom(file: ArchiveDocument): Archive {
  return {
    name: file.archive,
    description: file.description,
    ...(file.release === undefined ? {} : { release: file.release }),
    ...(file['merged-usr'] === undefined ? {} : { mergedUsr: file['merged-usr'] }),
    keys: file.keys,
    mirrors: Object.fromEntries(
      Object.entries(file.mirrors).map(([kind, { 'built-in': builtIn = [], snapshot }]) => [
        kind,
        snapshot === undefined ? { builtIn } : { builtIn, snapshot },
      ]),
    ),
    suites: file.suites.map((suite) => ({
      suite: suite.suite,
      mirror: suite.mirror,
      components: suite.components,
      identity: suite.identity,
      signedBy: suite['signed-by'],
      ...(suite['loud-after-hours'] === undefined ? {} : { loudAfterHours: suite['loud-after-hours'] }),
      priority: suite.priority ?? 500,
    })),
  }
}

function checkReferences(archive: Archive, origin: string): void {
  const seen = new Set<string>()
  for (const { suite, mirror, signedBy, components } of archive.suites) {
    if (seen.has(suite)) throw invalid(origin, `suite "${suite}" is listed twice`)
    seen.add(suite)
    if (!Object.hasOwn(archive.mirrors, mirror)) {
      throw invalid(origin, `suite "${suite}" names mirror "${mirror}", which is not under "mirrors"`)
    }
    for (const key of signedBy) {
      if (!Object.hasOwn(archive.keys, key)) {
        throw invalid(origin, `suite "${suite}" is signed by "${key}", which is not under "keys"`)
      }
    }
    if (suite.endsWith('/') !== (components.length === 0)) {
      throw invalid(origin, `suite "${suite}": a flat repository ends in "/" and has no components, any other has some`)
    }
  }
}

function invalid(place: string, reason: string): DebianError {
  return new DebianError('ARCHIVE_INVALID', `${INTENT} ${place}: ${reason}`)
}
