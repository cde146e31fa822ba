/**
 * Gives the path that `path` names with `/` as a root that cannot be left, as the kernel would after chroot(2):
 * every link but, unless `last` asks for it, the last one is followed; `..` above the root stays there.
 * `readLink` gives the text of the link at a link-free path, or `undefined` where there is none.
 * A path beyond what exists stays as written. `undefined` after more than 40 links (path_resolution(7)).
 */
export function resolveInside(
  path: string,
  readLink: (path: string) => string | undefined,
  last: 'follow' | 'keep',
): string | undefined {
  const pending = path.split('/').reverse()
  const reached: string[] = []
  let links = 0
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      reached.pop()
      continue
    }
    reached.push(name)
    if (last === 'keep' && pending.every((rest) => rest === '' || rest === '.')) break
    const target = readLink(`/${reached.join('/')}`)
    if (target === undefined) continue
    if (++links > 40) return undefined
    reached.pop()
    if (target.startsWith('/')) reached.length = 0
    pending.push(...target.split('/').reverse())
  }
  return `/${reached.join('/')}`
}
