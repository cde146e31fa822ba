import Type, { type Static } from 'typebox'
import { Errors } from 'typebox/value'
import { LineCounter, parseDocument } from 'yaml'
import { DebianError } from './errors.ts'
import { nearestName } from './nearest-name.ts'

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

const closed = { additionalProperties: false }
const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9.-]*$' })
const Url = Type.String({ pattern: '^https?://[^\\s?#]+$' })
const Text = Type.String({ minLength: 1 })

const ArchiveSchema = Type.Object(
  {
    archive: Name,
    description: Text,
    release: Type.Optional(Type.Object({ id: Text, version: Text, codename: Text }, closed)),
    'merged-usr': Type.Optional(Type.Union([Type.Literal('shipped'), Type.Literal('made'), Type.Literal('none')])),
    keys: Type.Record(
      Name,
      Type.Object(
        {
          file: Type.String({ pattern: '^(?![/.])(?!.*/\\.)[A-Za-z0-9._/-]+$' }),
          fingerprint: Type.String({ pattern: '^([0-9A-F]{40}|[0-9A-F]{64})$' }),
        },
        closed,
      ),
    ),
    mirrors: Type.Record(
      Name,
      Type.Object({ 'built-in': Type.Optional(Type.Array(Url)), snapshot: Type.Optional(Url) }, closed),
    ),
    suites: Type.Array(
      Type.Object(
        {
          suite: Type.String({ pattern: '^(?![/.])(?!.*/\\.)(?!.*//)[A-Za-z0-9._~+/-]+$|^\\./$' }),
          mirror: Name,
          components: Type.Array(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9+.-]*(/[A-Za-z0-9+.-]+)*$' })),
          identity: Type.Object(
            {
              origin: Type.Optional(Text),
              label: Type.Optional(Text),
              codename: Type.Optional(Text),
              suite: Type.Optional(Text),
            },
            { ...closed, minProperties: 1 },
          ),
          'signed-by': Type.Array(Name, { minItems: 1 }),
          'loud-after-hours': Type.Optional(Type.Integer({ minimum: 1 })),
          priority: Type.Optional(Type.Integer()),
        },
        closed,
      ),
      { minItems: 1 },
    ),
  },
  closed,
)

const KNOWN_KEYS = [
  ...['archive', 'description', 'release', 'merged-usr', 'keys', 'mirrors', 'suites', 'id', 'version', 'codename'],
  ...['file', 'fingerprint', 'built-in', 'snapshot', 'suite', 'mirror', 'components', 'identity', 'origin', 'label'],
  ...['signed-by', 'loud-after-hours', 'priority'],
]

/**
 * Reads an archive file. `origin` names the file in errors. Throws `ARCHIVE_INVALID`, with line and column, for
 * anything that is not exactly the form `archives/README.md` describes.
 */
export function parseArchive(text: string, origin: string): Archive {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true })
  const fault = document.errors[0] ?? document.warnings[0]
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0])
    throw invalid(`${origin}:${line}:${col}`, fault.message.split('\n', 1)[0] ?? fault.code)
  }
  const value: unknown = document.toJS({ maxAliasCount: 0 })
  const at = (path: readonly string[]) => {
    const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true)
    const start = hasRange(node) ? node.range[0] : 0
    const { line, col } = lines.linePos(start)
    return `${origin}:${line}:${col}`
  }
  checkShape(value, at)
  const archive = archiveFrom(value)
  checkReferences(archive, origin)
  return archive
}

type ArchiveFile = Static<typeof ArchiveSchema>

function checkShape(value: unknown, at: (path: readonly string[]) => string): asserts value is ArchiveFile {
  const error = Errors(ArchiveSchema, value)[0]
  if (error === undefined) return
  const path = error.instancePath.split('/').slice(1)
  const key = path.at(-1) ?? ''
  if (error.keyword === 'boolean') {
    throw invalid(at(path), `unknown key "${key}"; did you mean "${nearestName(key, KNOWN_KEYS)}"?`)
  }
  throw invalid(at(path), `${path.length === 0 ? 'the file' : `"${path.join('.')}"`} ${error.message}`)
}

function archiveFrom(file: ArchiveFile): Archive {
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

function hasRange(node: unknown): node is { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
}

function invalid(place: string, reason: string): DebianError {
  return new DebianError('ARCHIVE_INVALID', `cannot read archive ${place}: ${reason}`)
}
