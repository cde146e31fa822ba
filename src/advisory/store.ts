import { isRecord } from './fields.ts'
import type { PartState, RecordOf } from './part.ts'
import type {
  AdvisoryKind,
  Announcement,
  DebianStatement,
  Evidence,
  ExploitedEntry,
  OsvRecord,
  Prediction,
  SupportNotice,
  TrackerRecord,
} from './records.ts'
import { keyOf, Section, type StoreFile } from './section.ts'
import { readDirectory } from './store-format.ts'
import { isNoticeFor } from './support.ts'

/** Everything that a store knows of one CVE, or of another advisory's id. */
export interface IssueRecords {
  readonly id: string
  readonly statements: readonly DebianStatement[]
  readonly announcements: readonly Announcement[]
  readonly exploited: ExploitedEntry | undefined
  readonly prediction: Prediction | undefined
  readonly osv: readonly OsvRecord[]
}

/**
 * A compiled store of advisories. Opening reads its directory, a look-up the index of a part, once, and the blocks that
 * hold the answer. An answer is empty where nothing is known: whether a part is there at all, and of when, is in `parts`.
 * Every look-up throws `ADVISORY_STORE_INVALID` when the data it meets are damaged.
 */
export interface AdvisoryStore {
  readonly parts: readonly PartState[]
  /** What Debian's tracker says of a source package, by CVE and then in the tracker's order of releases. */
  debianStatements(source: string, release?: string): DebianStatement[]
  /** DSAs and DLAs about a source package, by id. */
  announcements(source: string): Announcement[]
  /** Everything about a CVE; or about a DSA, a DLA or an OSV id. */
  issue(id: string): IssueRecords
  /** OSV documents about a package, withdrawn ones included, by id. */
  osv(ecosystem: string, name: string): OsvRecord[]
  /** OSV documents that are about a CVE or have this id, withdrawn ones included. */
  osvAbout(id: string): OsvRecord[]
  /** Whether CISA knows of exploits. */
  exploited(cve: string): ExploitedEntry | undefined
  /** FIRST's estimate. */
  prediction(cve: string): Prediction | undefined
  /** Notices of ended or limited support for a source package, in a release or in all. */
  support(source: string, release?: string): SupportNotice[]
}

/** Opens a store. Throws `ADVISORY_STORE_INVALID` when it is damaged or of another format. */
export function openAdvisoryStore(file: StoreFile): AdvisoryStore {
  return new CompiledStore(file)
}

class CompiledStore implements AdvisoryStore {
  readonly parts: readonly PartState[]
  readonly #sections: ReadonlyMap<AdvisoryKind, Section>
  readonly #origins: ReadonlyMap<AdvisoryKind, string>

  constructor(file: StoreFile) {
    const directory = readDirectory(file)
    this.parts = directory.map(({ state }) => state)
    this.#sections = new Map(directory.map(({ state, place }) => [state.kind, new Section(file, place)]))
    this.#origins = new Map(directory.map(({ state }) => [state.kind, state.origin]))
  }

  debianStatements(source: string, release?: string): DebianStatement[] {
    return this.#records('tracker', 'source', source).flatMap((record) => this.#statements(record, release))
  }

  announcements(source: string): Announcement[] {
    return (['dsa', 'dla'] as const).flatMap((kind) => this.#pointed(kind, 'source', source))
  }

  issue(id: string): IssueRecords {
    const sources = this.#lastWords('tracker', 'cve', id)
    return {
      id,
      statements: sources
        .flatMap((source) => this.#records('tracker', 'source', source, id))
        .flatMap((record) => this.#statements(record, undefined)),
      announcements: (['dsa', 'dla'] as const).flatMap((kind) => [
        ...this.#records(kind, 'id', id),
        ...this.#pointed(kind, 'cve', id),
      ]),
      exploited: this.exploited(id),
      prediction: this.prediction(id),
      osv: this.osvAbout(id),
    }
  }

  osv(ecosystem: string, name: string): OsvRecord[] {
    return this.#pointed('osv', 'package', ecosystem, name)
  }

  osvAbout(id: string): OsvRecord[] {
    return this.#pointed('osv', 'cve', id)
  }

  exploited(cve: string): ExploitedEntry | undefined {
    return this.#records('kev', 'cve', cve)[0]
  }

  prediction(cve: string): Prediction | undefined {
    return this.#records('epss', 'cve', cve)[0]
  }

  support(source: string, release?: string): SupportNotice[] {
    return this.#records('support', 'source').filter((notice) => isNoticeFor(notice, source, release))
  }

  #statements(record: TrackerRecord, wanted: string | undefined): DebianStatement[] {
    const { source, cve, description, releases } = record
    return releases
      .filter(({ release }) => wanted === undefined || release === wanted)
      .map((release) => ({
        source,
        cve,
        ...release,
        description,
        isUnimportant: release.urgency === 'unimportant',
        evidence: this.#evidence('tracker', `${source}/${cve}/${release.release}`),
      }))
  }

  #evidence(kind: AdvisoryKind, place: string): Evidence {
    return { origin: this.#origins.get(kind) ?? kind, place }
  }

  /** The records at keys that start with these words. */
  #records<Kind extends AdvisoryKind>(kind: Kind, ...words: readonly string[]): RecordOf<Kind>[] {
    const records: RecordOf<Kind>[] = []
    for (const { json } of this.#sections.get(kind)?.at(...words) ?? []) {
      const record: unknown = json === '' ? undefined : JSON.parse(json)
      if (isStoredRecord<Kind>(record)) records.push(record)
    }
    return records
  }

  /** The records whose ids are the last words of these keys. */
  #pointed<Kind extends 'dsa' | 'dla' | 'osv'>(kind: Kind, ...words: readonly string[]): RecordOf<Kind>[] {
    return this.#lastWords(kind, ...words).flatMap((id) => this.#records(kind, 'id', id))
  }

  #lastWords(kind: AdvisoryKind, ...words: readonly string[]): string[] {
    const start = keyOf(...words).length
    return Array.from(this.#sections.get(kind)?.at(...words) ?? [], ({ key }) => key.slice(start, -1))
  }
}

/** What a block holds was written by `encodeSection` from records of this kind; its sum vouches for it. */
function isStoredRecord<Kind extends AdvisoryKind>(value: unknown): value is RecordOf<Kind> {
  return isRecord(value)
}
