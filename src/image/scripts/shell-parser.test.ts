import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ImageError } from '../errors.ts'
import { parseShell } from './shell-parser.ts'

const unreadable: [string, RegExp, string][] = [
  ['if true; then echo', /line 1: want "fi"/, 'an if that is never closed'],
  ['echo "x', /a double quote is never closed/, 'an open quote'],
  ['cat <<EOF\nx\n', /here-document ends without "EOF"/, 'a here-document without its end'],
  ['a=(1 2)', /arrays are not of the POSIX shell/, 'an array of bash'],
  ['x\ny\n)', /line 3: "\)" is unexpected/, 'a parenthesis too many, with its line'],
  ['{ '.repeat(200), /nests deeper than 60 levels/, 'groups in groups'],
  ['$('.repeat(200), /nests deeper than 60 levels/, 'substitutions in substitutions'],
  ['"$(`'.repeat(200), /nests deeper than 60 levels|never closed|want/, 'quotes in substitutions in quotes'],
  [`#${'x'.repeat(1 << 20)}`, /longer than 131072 characters/, 'a script of more than 128 KiB'],
]
for (const [text, reason, because] of unreadable) {
  test(`${because} is refused`, () => {
    assert.throws(
      () => parseShell(text),
      (error) => error instanceof ImageError && error.code === 'SCRIPT_UNREADABLE' && reason.test(error.message),
    )
  })
}

test('a command knows where it stands, inside back quotes too', () => {
  const text = 'set -e\nx=`dirname /a/b`\n'
  const [, assignment] = parseShell(text)
  assert.equal(text.slice(assignment?.start, assignment?.end), 'x=`dirname /a/b`')
  assert.ok(assignment?.type === 'simple')
  const [part] = assignment.assignments[0]?.value ?? []
  assert.ok(part?.type === 'substitution')
  assert.equal(text.slice(part.body.start, part.body.end), 'dirname /a/b')
})

test('every maintainer script of this machine that dash accepts is read', () => {
  const folder = '/var/lib/dpkg/info'
  const scripts = readdirSync(folder).filter((name) => /\.(preinst|postinst|prerm|postrm)$/.test(name))
  const refused = scripts.filter((name) => {
    const text = readFileSync(`${folder}/${name}`, 'utf8')
    if (!/^#! *\/bin\/sh/.test(text)) return false
    try {
      parseShell(text)
      return false
    } catch {
      return spawnSync('dash', ['-n', `${folder}/${name}`]).status === 0
    }
  })
  assert.deepEqual(refused, [])
  assert.ok(scripts.length > 50, execFileSync('dpkg', ['--version'], { encoding: 'utf8' }))
})
