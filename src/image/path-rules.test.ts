import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeUsr, pathRules, ruleAgainst } from './path-rules.ts'

const rows: [string, string, string | undefined, string][] = [
  ['/usr/share/doc/curl', 'directory', undefined, 'the place of a copyright file'],
  ['/usr/share/doc/curl/copyright', 'file', undefined, 'a licence text always stays'],
  ['/usr/share/doc/libssl3t64', 'symlink', undefined, 'a link may lead to a copyright file'],
  ['/usr/share/doc/curl/copyright/more', 'file', 'documentation', 'only a file of exactly that name is a licence text'],
  ['/usr/share/doc/curl/changelog.gz', 'file', 'documentation', 'documentation'],
  ['/usr/share/doc/README', 'file', 'documentation', 'a file beside the packages is documentation'],
  ['/usr/share/doc/curl/examples', 'directory', 'documentation', 'a directory of it'],
  ['/usr/share/docs', 'directory', undefined, 'a name that only begins alike'],
  ['/usr/share/doc-base/curl', 'file', 'documentation', 'an index of documentation'],
  ['/usr/share/man/man1/curl.1.gz', 'file', 'man-pages', 'a manual page'],
  ['/usr/share/man', 'directory', 'man-pages', 'a rule takes the directory itself'],
  ['/usr/share/mancala', 'file', undefined, 'a name that only begins alike'],
  ['/usr/share/locale/de/LC_MESSAGES/curl.mo', 'file', 'translations', 'messages in another language'],
  ['/usr/share/locale', 'directory', undefined, 'the directory stays, programs look for it'],
  ['/usr/share/locale/locale.alias', 'file', undefined, 'libc reads it'],
  ['/usr/lib/locale/C.utf8/LC_CTYPE', 'file', undefined, 'a locale is no translation'],
  ['/usr/share/lintian/overrides/curl', 'file', 'packaging-notes', 'a note for packagers'],
  ['/usr/share/applications/x.desktop', 'file', 'desktop-entries', 'a menu entry'],
  ['/etc/bash_completion.d/x', 'file', 'shell-completions', 'a completion'],
  ['/usr/share/bash-completion/bash_completion', 'file', undefined, 'the machinery of completions'],
  ['/etc/ssl/openssl.cnf', 'file', undefined, 'what no rule names'],
]
for (const [path, type, rule, because] of rows) {
  test(`${path} (${type}) ${rule === undefined ? 'stays' : `falls to ${rule}`}: ${because}`, () => {
    assert.equal(ruleAgainst(path, type, [])?.name, rule)
  })
}

test('a definition keeps what it names, and only that', () => {
  assert.equal(ruleAgainst('/usr/share/man/man1/x.1', 'file', ['man-pages']), undefined)
  assert.equal(ruleAgainst('/usr/share/doc/x/NEWS', 'file', ['man-pages'])?.name, 'documentation')
})

test('every rule has a name of its own and a reason', () => {
  assert.equal(new Set(pathRules.map(({ name }) => name)).size, pathRules.length)
  for (const { name, reason } of pathRules) assert.ok(/^[a-z]+(-[a-z]+)*$/.test(name) && reason !== '', name)
})

const merged: [string, string, string, string][] = [
  ['/bin/sh', 'symlink', '/usr/bin/sh', 'below /bin'],
  ['/lib64/ld-linux-x86-64.so.2', 'symlink', '/usr/lib64/ld-linux-x86-64.so.2', 'below /lib64'],
  ['/lib', 'directory', '/usr/lib', 'the directory itself'],
  ['/lib', 'symlink', '/lib', 'the link of the merged /usr'],
  ['/libexec/x', 'file', '/libexec/x', 'a name that only begins alike'],
  ['/usr/bin/sh', 'file', '/usr/bin/sh', 'already merged'],
  ['/etc/bin/x', 'file', '/etc/bin/x', 'not at the root'],
  ['/bin/lib/x', 'file', '/usr/bin/lib/x', 'once, not twice'],
]
for (const [path, type, want, because] of merged) {
  test(`${path} (${type}) is ${want} where /usr is merged: ${because}`, () => assert.equal(mergeUsr(path, type), want))
}
