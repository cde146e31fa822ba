import { declaredLicence } from './declared-licence.ts'
import { type FileReading, isPlain, unreadable } from './found-package.ts'

/** Whether a path is that of an installed distribution's core metadata (PyPA, "Recording installed projects"; eggs). */
export function isPythonMetadata(path: string): boolean {
  return /\.dist-info\/METADATA$|\.egg-info\/PKG-INFO$|\/EGG-INFO\/PKG-INFO$|\.egg-info$/.test(path)
}

/** Whether a path is that of a list of the files that a distribution installed. */
export function isPythonRecord(path: string): boolean {
  return /\.dist-info\/RECORD$|\.egg-info\/installed-files\.txt$/.test(path)
}

/** Reads core metadata: headers as in mail, up to the first empty line. The name is normalised (PEP 503). */
export function readPythonMetadata(bytes: Uint8Array, path: string): FileReading {
  const text = Buffer.from(bytes).toString('utf8')
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length
  const headers = new Map<string, string>()
  for (const line of text.slice(0, end).split(/\r?\n/)) {
    const [, key = '', value = ''] = /^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (key !== '' && !headers.has(key.toLowerCase())) headers.set(key.toLowerCase(), value)
  }
  const [name, version] = [headers.get('name'), headers.get('version')]
  if (!isPlain(name) || !isPlain(version)) return unreadable(path, 'it has no name and version')
  const licence = declaredLicence(headers.get('license-expression')) ?? declaredLicence(headers.get('license'))
  const found = { ecosystem: 'PyPI', name: normalisedName(name), version, path, ...(licence && { licence }) } as const
  return { packages: [found], faults: [] }
}

/** Gives the absolute paths that a list of installed files names: a RECORD's from beside its folder, others from inside it. */
export function readPythonRecord(bytes: Uint8Array, path: string): readonly string[] {
  const folder = path.slice(0, path.lastIndexOf('/'))
  const base = path.endsWith('/RECORD') ? folder.slice(0, folder.lastIndexOf('/')) : folder
  const lines = Buffer.from(bytes).toString('utf8').split(/\r?\n/)
  return lines.flatMap((line) => {
    const [, quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^,]*))/.exec(line) ?? []
    const name = quoted?.replaceAll('""', '"') ?? plain ?? ''
    return name === '' ? [] : [normalisedPath(name.startsWith('/') ? name : `${base}/${name}`)]
  })
}

/** The source whose byte code a path is (PEP 3147), or `undefined`. */
export function sourceOfByteCode(path: string): string | undefined {
  const [, folder, name] = /^(.*)\/__pycache__\/([^/.]+)\.[^/]+\.pyc$/.exec(path) ?? []
  return folder === undefined ? undefined : `${folder}/${name}.py`
}

function normalisedName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}

function normalisedPath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
