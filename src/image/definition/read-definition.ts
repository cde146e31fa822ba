import { type DocumentPath, type Fault, quote } from '#core'
import { parseRequest, type Request, SolverError } from '#solver'
import type { ContractDeclaration, Definition, Fragment, PathDeclaration, UserDeclaration } from './definition.ts'
import type { DefinitionDocument, FragmentDocument } from './definition-schema.ts'
import { BASE_PLACEHOLDER, basesFault } from './matrix.ts'
import { declaredPath, type PathDocument, readPath } from './read-path.ts'
import { templateFault } from './tags.ts'

type ContractDocument = NonNullable<FragmentDocument['contract']>

/** Gives a scalar as the file writes it, by its place in the document. */
type SourceOf = (path: DocumentPath) => string | undefined

/**
 * Brings a document whose shape is right into its one form, and finds what a shape cannot say: a version that is none,
 * a path that is two things at once. With faults the definition is not to be used. `file` is where the document was read from.
 */
export function readDefinition(
  document: DefinitionDocument,
  sourceOf: SourceOf,
  file: string,
): { readonly definition: Definition; readonly faults: readonly Fault[] } {
  const reader = new FragmentReader(sourceOf, file)
  const { archive } = document
  for (const [index, template] of (document.tags ?? []).entries()) reader.note(['tags', index], templateFault(template))
  for (const [key, day] of Object.entries(document.lifecycle ?? {})) reader.note(['lifecycle', key], dayFault(day))
  for (const name of ['runtime'].filter((name) => Object.hasOwn(document.variants ?? {}, name))) {
    reader.note(['variants', name], 'the definition itself is the runtime variant; move its keys up', 'key')
  }
  if (document.from !== undefined && document.extends !== undefined) {
    reader.note(['from'], 'want either `extends`, which composes, or `from`, which stacks on a finished image', 'key')
  }
  if (document.remove !== undefined && document.from === undefined && document.extends === undefined) {
    reader.note(['remove'], 'there is nothing to take packages from: want `from`, or `without` in its place', 'key')
  }
  const { from } = document
  if (typeof from === 'object') reader.note(['from'], basesFault(from, document.image))
  else if (document.image.includes(BASE_PLACEHOLDER)) {
    reader.note(['image'], `${BASE_PLACEHOLDER} stands for one of several bases: want a list of them as \`from\``)
  }
  const definition: Definition = {
    ...reader.fragment(document, []),
    image: document.image,
    extends: document.extends,
    from: typeof document.from === 'string' ? document.from : undefined,
    bases: typeof document.from === 'string' ? [] : (document.from ?? []),
    archives: typeof archive === 'string' ? [archive] : archive,
    without: document.without ?? {},
    remove: document.remove ?? {},
    platforms: document.platforms,
    variants: Object.fromEntries(
      Object.entries(document.variants ?? {}).map(([name, variant]) => [
        name,
        reader.fragment(variant, ['variants', name]),
      ]),
    ),
    withoutVariants: document['without-variants'] ?? {},
    tags: document.tags ?? [],
    lifecycle: {
      upstreamEnd: document.lifecycle?.['upstream-end'],
      archiveEnd: document.lifecycle?.['archive-end'],
    },
    owner: document.owner,
    vendor: document.vendor,
    licenses: document.licenses,
    url: document.url,
    documentation: document.documentation,
    source: document.source,
    layerBudget: document.layers?.budget,
  }
  return { definition, faults: reader.faults }
}

class FragmentReader {
  readonly faults: Fault[] = []
  readonly #sourceOf: SourceOf
  readonly #file: string

  constructor(sourceOf: SourceOf, file: string) {
    this.#sourceOf = sourceOf
    this.#file = file
  }

  note(path: DocumentPath, message: string | undefined, at: Fault['at'] = 'value'): void {
    if (message !== undefined) this.faults.push({ path, at, message })
  }

  fragment(document: FragmentDocument, path: DocumentPath): Fragment {
    return {
      title: document.title,
      description: document.description,
      packages: this.#packages(document.packages ?? [], [...path, 'packages']),
      keep: document.keep ?? [],
      derived: document.derived ?? [],
      environment: document.environment ?? {},
      entrypoint: document.entrypoint,
      cmd: document.cmd,
      contract: this.#contract(document.contract ?? {}, [...path, 'contract']),
      users: this.#users(document.accounts?.users ?? [], [...path, 'accounts', 'users']),
      groups: this.#groups(document.accounts?.groups ?? [], [...path, 'accounts', 'groups']),
      paths: this.#paths(document.paths ?? [], [...path, 'paths']),
      certificates: document.certificates ?? [],
      timeZone: document['time-zone'],
      keystore: document.keystore,
      locales: document.locales ?? [],
      acknowledge: document.acknowledge ?? {},
      labels: document.labels ?? {},
      annotations: document.annotations ?? {},
      tests: this.#tests(document.tests ?? [], [...path, 'tests']),
    }
  }

  #packages(texts: readonly string[], path: DocumentPath): readonly Request[] {
    return texts.flatMap((text, index) => {
      try {
        return [parseRequest(text)]
      } catch (error) {
        if (!(error instanceof SolverError)) throw error
        this.note([...path, index], error.message)
        return []
      }
    })
  }

  #contract(document: ContractDocument, path: DocumentPath): ContractDeclaration {
    const ports = document.ports?.map((port, index) => {
      const [number = '', protocol = 'tcp'] = String(port).split('/')
      this.note(
        [...path, 'ports', index],
        Number(number) > 65_535 ? `found the port ${number}, want at most 65535` : undefined,
      )
      return `${number}/${protocol}`
    })
    return {
      runAs: textOf(document['run-as']),
      workDir: document['work-dir'],
      ports,
      writable: document.writable,
      volumes: document.volumes,
      stopSignal: textOf(document['stop-signal']),
    }
  }

  #users(users: readonly UserDeclaration[], path: DocumentPath): readonly UserDeclaration[] {
    this.#refuseTwins(
      users.map(({ name }) => name),
      path,
      'name',
    )
    return users
  }

  #groups(
    groups: readonly { name: string; gid: number; members?: string[] }[],
    path: DocumentPath,
  ): Fragment['groups'] {
    this.#refuseTwins(
      groups.map(({ name }) => name),
      path,
      'name',
    )
    return groups.map(({ name, gid, members = [] }) => ({ name, gid, members }))
  }

  #tests(tests: Fragment['tests'], path: DocumentPath): Fragment['tests'] {
    this.#refuseTwins(
      tests.map(({ name }) => name),
      path,
      'name',
    )
    return tests
  }

  #paths(entries: readonly PathDocument[], path: DocumentPath): readonly PathDeclaration[] {
    this.#refuseTwins(entries.map(declaredPath), path, 'path')
    return entries.flatMap((entry, index) => {
      const place = [...path, index]
      const modes = {
        mode: this.#mode(entry.mode, [...place, 'mode']),
        directoryMode: this.#mode(entry['directory-mode'], [...place, 'directory-mode']),
      }
      const declaration = readPath(entry, modes, this.#file)
      if (typeof declaration !== 'string') return [declaration]
      this.note(place, declaration)
      return []
    })
  }

  /** YAML 1.2 reads 0755 as seven hundred and fifty-five: a number must say that it is octal. */
  #mode(mode: string | number | undefined, path: DocumentPath): number | undefined {
    if (typeof mode !== 'number') return mode === undefined ? undefined : Number.parseInt(mode, 8)
    const written = this.#sourceOf(path) ?? String(mode)
    this.note(path, written.startsWith('0o') ? undefined : `found ${written}, want an octal mode: "0755" or 0o755`)
    return mode
  }

  #refuseTwins(names: readonly string[], path: DocumentPath, key: string): void {
    for (const [index, name] of names.entries()) {
      const first = names.indexOf(name)
      const message = `${quote(name)} stands here for the second time; the first is [${first}]`
      this.note([...path, index, key], first === index ? undefined : message)
    }
  }
}

/** The shape lets 2027-02-30 pass; the calendar does not. */
function dayFault(day: string): string | undefined {
  const time = new Date(`${day}T00:00:00Z`)
  const isDay = !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day)
  return isDay ? undefined : `found ${quote(day)}, which is not a day of the calendar`
}

function textOf(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}
