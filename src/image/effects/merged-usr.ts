import type { Effect, EffectEntry } from './effect.ts'

/** The directories below / that merged /usr turns into links, whichever the architecture has (file-hierarchy(7)). */
const aliases = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libo32', 'libx32']

/** On these every release of Debian has the link, filled or not; the others appear with their directory. */
const always = new Set(['bin', 'sbin', 'lib'])

/**
 * Members are normalised to the merged /usr, so what is left is the links themselves. trixie's base-files ships them for
 * its own architecture; in bookworm they are the work of usrmerge, and nothing at all depends on base-files.
 */
export const mergedUsr: Effect = {
  name: 'merged-usr',
  summary: 'Links /bin, /sbin and the /lib directories to their places below /usr.',
  apply({ tree }) {
    const entries: EffectEntry[] = []
    for (const name of aliases) {
      const target = `usr/${name}`
      if (tree.get(`/${name}`)?.type === 'symlink') continue
      if (!always.has(name) && tree.get(`/${target}`) === undefined) continue
      if (tree.get(`/${name}`)?.type === 'directory') entries.push({ type: 'removal', path: `/${name}` })
      if (tree.get(`/${target}`) === undefined) {
        entries.push({ type: 'directory', path: `/${target}`, mode: 0o755, uid: 0, gid: 0 })
      }
      entries.push({ type: 'symlink', path: `/${name}`, target })
    }
    return entries
  },
}
