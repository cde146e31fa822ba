import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveInside } from './container-path.ts'

const LINKS: Readonly<Record<string, string>> = {
  '/abs': '/usr/lib',
  '/rel': 'usr',
  '/up': '../../../../etc',
  '/usr/back': '../rel/lib',
  '/loop': 'loop',
  '/a': 'b',
  '/b': 'a/x',
}
const rows: [string, 'follow' | 'keep', string | undefined, string][] = [
  ['/usr//./lib/', 'follow', '/usr/lib', 'empty and dot components say nothing'],
  ['/../../etc', 'follow', '/etc', 'nothing is above the root'],
  ['/abs/x', 'follow', '/usr/lib/x', 'an absolute link starts at the root again'],
  ['/rel/../x', 'follow', '/x', 'dot-dot is taken after the link, as the kernel does'],
  ['/up/passwd', 'follow', '/etc/passwd', 'a climbing link stays inside'],
  ['/usr/back/y', 'follow', '/usr/lib/y', 'links may lead to links'],
  ['/abs', 'keep', '/abs', 'the last link is kept where that is asked for'],
  ['/usr/back/', 'keep', '/usr/back', 'also before a slash at the end'],
  ['/rel/lib', 'keep', '/usr/lib', 'parents are followed all the same'],
  ['/loop', 'follow', undefined, 'a link to itself leads nowhere'],
  ['/a/z', 'follow', undefined, 'nor does a circle'],
]
for (const [path, last, want, because] of rows) {
  test(`${path} (${last}): ${because}`, () =>
    assert.equal(
      resolveInside(path, (at) => LINKS[at], last),
      want,
    ))
}
