import type { NewerPackage } from './newer-package.ts'
import type { PatchedTree } from './patched-tree.ts'

const INFO = '/var/lib/dpkg/info'
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm', 'config']

/** Writes what dpkg's database has of a package beside `status`: its control files and the list of its paths. */
export function putDatabaseFiles(newer: NewerPackage, obsolete: readonly string[], tree: PatchedTree): void {
  const { package: own, entries, files, installed } = newer
  const name = own.multiArch === 'same' ? `${own.name}:${own.architecture}` : own.name
  const mtime = Math.max(0, ...entries.map((entry) => entry.mtime))
  const put = (path: string, content: Uint8Array, mode = 0o644) =>
    tree.put({ path, type: 'file', mode, uid: 0, gid: 0, mtime, content })
  const paths = ['/.', ...entries.map(({ path }) => path).filter((path) => path !== '/'), ...obsolete]
  const written = new Map<string, Uint8Array>([['list', Buffer.from(`${paths.join('\n')}\n`)]])
  for (const [file, content] of files) if (file !== 'control') written.set(file, content)
  for (const former of [installed.name, `${installed.name}:${installed.architecture}`]) {
    for (const file of CONTROL_FILES) {
      if (former !== name || !written.has(file)) tree.remove(`${INFO}/${former}.${file}`)
    }
  }
  for (const [file, content] of written) put(`${INFO}/${name}.${file}`, content, SCRIPTS.includes(file) ? 0o755 : 0o644)
}

/** The control files that packages have (deb(5) and the pages it names). */
const CONTROL_FILES = [
  ...SCRIPTS,
  ...['conffiles', 'isinstallable', 'list', 'md5sums', 'shlibs', 'sha256sums', 'symbols', 'templates', 'triggers'],
]

/** Rewrites the lists of packages that have lost paths to newer ones. */
export function dropFromList(name: string, lost: ReadonlySet<string>, tree: PatchedTree): void {
  const path = `${INFO}/${name}.list`
  const here = tree.get(path)
  const text = tree.read(path)
  if (here === undefined || text === undefined) return
  const lines = Buffer.from(text).toString('utf8').split('\n')
  const content = Buffer.from(lines.filter((line) => !lost.has(tree.canonical(line))).join('\n'))
  const { mode, uid, gid } = here
  tree.put({ path, type: 'file', mode, uid, gid, mtime: 0, content })
}
