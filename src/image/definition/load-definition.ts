import { type Digest, digestOf, hexOf } from '#core'
import { ImageError } from '../errors.ts'
import { folderTree } from '../taken/folder-tree.ts'
import { selectPaths } from '../taken/selection.ts'
import { placePaths } from '../taken/taken-paths.ts'
import type {
  Certificate,
  DefinedPath,
  Fragment,
  LoadedDefinition,
  LoadedFragment,
  PathDeclaration,
  RepositoryDeclaration,
  TestDeclaration,
} from './definition.ts'
import type { DefinitionFile } from './resolve-definition.ts'

/** Bytes of files by their digest. */
export type FileContents = ReadonlyMap<Digest, Uint8Array>

/** What a definition reads of its folder. */
export interface ReferredFiles {
  /** Relative paths of certificates and of structure tests, each once, in order of first use. */
  readonly files: readonly string[]
  /** Files and folders, in the order of the definition. */
  readonly sources: readonly RepositoryDeclaration[]
}

/** Gives what a definition and its variants read of its folder. */
export function referredFiles(
  definition: Fragment & { readonly variants: Readonly<Record<string, Fragment>> },
): ReferredFiles {
  const fragments = [definition, ...Object.values(definition.variants)]
  const files = fragments.flatMap(({ certificates, tests }) => [
    ...certificates.filter((certificate) => !isPem(certificate)),
    ...tests.flatMap((test) => structureTestOf(test) ?? []),
  ])
  const sources = fragments.flatMap(({ paths }) => paths.filter((entry) => entry.type === 'source'))
  return { files: [...new Set(files)], sources }
}

/**
 * Puts digests and certificates in the place of the files that a definition refers to, and adds the bytes to `contents`.
 * Throws `DEFINITION_INVALID` for a file that is missing or a certificate file without certificates.
 */
export function loadDefinition(source: DefinitionFile, contents: Map<Digest, Uint8Array>): LoadedDefinition {
  const { definition } = source
  const load = (fragment: Fragment) => loadFragment(fragment, source, contents)
  return {
    ...definition,
    ...load(definition),
    variants: Object.fromEntries(Object.entries(definition.variants).map(([name, variant]) => [name, load(variant)])),
  }
}

function loadFragment(fragment: Fragment, source: DefinitionFile, contents: Map<Digest, Uint8Array>): LoadedFragment {
  return {
    ...fragment,
    paths: fragment.paths.flatMap((entry) => definedPaths(entry, source, contents)),
    certificates: fragment.certificates.flatMap((certificate) => certificatesOf(certificate, source)),
    tests: fragment.tests.map((test) => loadedTest(test, source)),
  }
}

/** The path of a structure test's file that a test refers to. */
function structureTestOf(test: TestDeclaration): string | undefined {
  const path = test['structure-test']
  return typeof path === 'string' ? path : undefined
}

/** What a test refers to by path is in its place afterwards, since who extends the definition stands in another folder. */
function loadedTest(test: TestDeclaration, from: DefinitionFile): TestDeclaration {
  const path = structureTestOf(test)
  if (path === undefined) return test
  return { ...test, 'structure-test': { file: path, text: new TextDecoder().decode(bytesOf(path, from)) } }
}

function definedPaths(
  entry: PathDeclaration,
  from: DefinitionFile,
  contents: Map<Digest, Uint8Array>,
): readonly DefinedPath[] {
  if (entry.type === 'source') return repositoryPaths(entry, from, contents)
  if (entry.type !== 'file') return [entry]
  const { content, ...file } = entry
  const bytes = new TextEncoder().encode(content)
  const digest = digestOf(bytes)
  contents.set(digest, bytes)
  return [{ ...file, digest, size: bytes.length }]
}

/** A file as it is, 0644 unless told otherwise; a folder with all that is chosen of it. */
function repositoryPaths(
  entry: RepositoryDeclaration,
  from: DefinitionFile,
  contents: Map<Digest, Uint8Array>,
): readonly DefinedPath[] {
  const folder = from.folders?.get(entry.source)
  const name = `${entry.source} of definition ${from.file}`
  if (folder !== undefined) {
    const selected = selectPaths(folderTree(folder), { from: '/', ...entry }, name)
    const read = (path: string) => bytesOf(`${entry.source}${path}`, from)
    return placePaths(selected, { placement: entry, permissions: 'executable-only', name }, { read, contents })
  }
  const { path, mode = 0o644, uid = 0, gid = 0, replace, include, exclude, directoryMode } = entry
  if (path === '/' || include.length + exclude.length > 0 || directoryMode !== undefined) {
    const reason = `it is a file, and ${path === '/' ? 'the root' : '`include`, `exclude` and `directory-mode`'} want a folder`
    throw new ImageError('DEFINITION_INVALID', `cannot take in ${name}: ${reason}`)
  }
  const bytes = bytesOf(entry.source, from)
  const digest = digestOf(bytes)
  contents.set(digest, bytes)
  return [{ type: 'file', path, mode, uid, gid, replace, digest, size: bytes.length }]
}

/** One for each PEM block; its name says which certificate it is, wherever it was written. */
function certificatesOf(certificate: string, from: DefinitionFile): readonly Certificate[] {
  const text = isPem(certificate) ? certificate : new TextDecoder().decode(bytesOf(certificate, from))
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g)
  if (blocks === null) {
    const place = isPem(certificate) ? 'a certificate in it' : certificate
    throw new ImageError('DEFINITION_INVALID', `cannot load definition ${from.file}: ${place} holds no whole PEM block`)
  }
  return blocks.map((block) => {
    const pem = `${block.split(/\s*\n\s*/).join('\n')}\n`
    return { name: `${stemOf(certificate)}-${hexOf(digestOf(pem)).slice(0, 8)}`, pem }
  })
}

function stemOf(certificate: string): string {
  if (isPem(certificate)) return 'extra'
  const name = certificate.slice(certificate.lastIndexOf('/') + 1).replace(/\.(?:crt|pem|cer)$/i, '')
  return name.replaceAll(/[^A-Za-z0-9._-]/g, '_')
}

function isPem(certificate: string): boolean {
  return certificate.includes('-----BEGIN CERTIFICATE-----')
}

function bytesOf(path: string, from: DefinitionFile): Uint8Array {
  const bytes = from.files.get(path)
  if (bytes !== undefined) return bytes
  throw new ImageError('DEFINITION_INVALID', `cannot load definition ${from.file}: ${path} was not read`)
}
