import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { formatLicenceExpression } from './licence-expression.ts'
import { readPackageLicence } from './package-licence.ts'
import { recogniseText } from './recognise-text.ts'
import { resolveName } from './resolve-name.ts'
import { knownSpdxIds, spdxIdOf } from './short-names.ts'
import { TEXT_RULES } from './text-rules.ts'

const FORMAT = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
const EXPAT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
 documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to
 use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom
 the Software is furnished to do so, subject to the following conditions:
 .
 The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.
 .
 THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED. IN NO EVENT SHALL THE AUTHORS BE LIABLE
 FOR ANY CLAIM ARISING FROM THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
const GPL = `This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public
License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later version.`

const ISC = `Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted,
 provided that the above copyright notice and this permission notice appear in all copies.
 .
 THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE. IN NO EVENT SHALL THE
 AUTHOR BE LIABLE FOR ANY DAMAGES IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`
const GD = `Permission has been granted to copy, distribute and modify gd in any context without fee. Credit must be given in
 user-accessible documentation. The copyright holders disclaim all warranties with respect to this code and accompanying
 documentation.`
/** A machine-readable file with a statement for each of these lines. */
function stating(...licences: readonly string[]): string {
  return (
    FORMAT + licences.map((licence, index) => `\nFiles: ${index}\nCopyright: somebody\nLicense: ${licence}\n`).join('')
  )
}

function sample(name: string): string {
  return readFileSync(joinPath(import.meta.dirname, 'testdata', `${name}.copyright`), 'utf8')
}

const expressions: readonly [stated: string, want: string | undefined, because: string][] = [
  ['GPL-2+', 'GPL-2.0-or-later', 'a plus means later versions too'],
  ['GPL-2', 'GPL-2.0-only', 'no plus means that version'],
  ['LGPL-2.1+', 'LGPL-2.1-or-later', 'the lesser one has its own versions'],
  ['Expat', 'MIT', 'SPDX calls it MIT'],
  ['GFDL-NIV-1.3+', 'GFDL-1.3-no-invariants-or-later', 'no invariant sections is a licence of its own'],
  ['GPL-4', undefined, 'there is no such version and no text'],
  ['BSD-3-clause or Expat', 'BSD-3-Clause OR MIT', 'a choice stays one, sorted'],
  ['ISC, and GPL-1+ or Expat', '(GPL-1.0-or-later OR MIT) AND ISC', 'a comma makes the word behind it the weakest'],
  ['ISC or Zlib and Expat', 'ISC OR (MIT AND Zlib)', '`and` binds stronger than `or`'],
  ['ISC, Zlib and Expat', 'ISC AND MIT AND Zlib', 'a list has one word for all'],
  ['ISC, Zlib', undefined, 'commas alone do not say which word is meant'],
  ['Artistic', undefined, 'the name alone says nothing about the version'],
  ['Artistic\n See /usr/share/common-licenses/Artistic.', 'Artistic-1.0-Perl', 'that file is the one of Perl'],
  [`MIT\n ${EXPAT}`, 'MIT', 'many texts are called MIT; this is the one of SPDX'],
  [`Expat-like\n ${EXPAT}`, 'MIT', 'an unknown name is recognised by its text'],
  [`MIT-Old-Style-with-disclaimer\n ${ISC}`, 'ISC', 'a name with "with" in it is no exception'],
  [`GD\n ${GD}`, 'GD', 'a short name that is no licence by itself has its text'],
  [
    'GPL-2+ with Libtool exception\n If it is built using GNU Libtool, you may …',
    'GPL-2.0-or-later WITH Libtool-exception',
    'the text makes the exception',
  ],
]
for (const [stated, want, because] of expressions) {
  test(`${stated.split('\n')[0]} is ${want ?? 'not classified'}: ${because}`, () => {
    const { expression, unclassified } = readPackageLicence(stating(stated))
    assert.equal(expression, want)
    assert.equal(unclassified.length > 0, want === undefined)
  })
}

test('statements of many files are joined, sorted, each once', () => {
  const { expression } = readPackageLicence(stating('ISC', 'Expat', 'ISC', 'Zlib or Expat', 'Expat or zlib'))
  assert.equal(expression, 'ISC AND MIT AND (MIT OR Zlib)')
  assert.equal(readPackageLicence(stating('Expat or zlib', 'Expat', 'ISC')).expression, expression)
})

test('one part that cannot be classified leaves the package without an expression, and is named', () => {
  assert.deepEqual(readPackageLicence(stating('ISC', 'Weird-1')), {
    by: 'copyright-format 1.0',
    extracted: [],
    unclassified: ['"Weird-1" has no text, and the name alone does not say which licence it is'],
  })
})

test('an unknown licence is kept with its text, from wherever the file has it', () => {
  const text = 'You may do with this what the author says on Sundays.'
  const alone = readPackageLicence(`${stating('Sunday+ and ISC')}\nLicense: Sunday+\n ${text}\n .\n Really.\n`)
  assert.match(alone.expression ?? '', /^ISC AND LicenseRef-debian-Sunday-or-later-[0-9a-f]{8}$/)
  assert.equal(alone.extracted[0]?.text, `${text}\n\nReally.`)
  assert.equal(alone.extracted[0]?.name, 'Sunday+')
  const inside = readPackageLicence(stating(`Sunday+\n ${text}\n\n  really`, 'ISC'))
  assert.equal(inside.expression, alone.expression, 'layout and punctuation do not make another licence')
  const other = readPackageLicence(stating(`Sunday+\n ${text} And on Mondays.`, 'ISC'))
  assert.notEqual(other.expression, alone.expression, 'another text is another licence')
})

test('a condition that was added keeps a text from being taken for the well-known one', () => {
  const { expression } = readPackageLicence(stating(`MIT\n ${EXPAT}\n .\n Users must send a postcard.`))
  assert.match(expression ?? '', /^LicenseRef-debian-MIT-/)
})

test('an exception that SPDX does not have is kept with its text, not dropped', () => {
  const text = 'In addition, permission is given to link this program with the OpenSSL library.'
  const { expression, extracted } = readPackageLicence(stating(`GPL-2+ with OpenSSL exception\n ${text}`))
  assert.match(expression ?? '', /^LicenseRef-debian-GPL-2-or-later-with-OpenSSL-exception-[0-9a-f]{8}$/)
  assert.equal(extracted[0]?.text, text)
})

test('dedications to the public domain share an id and keep every text', () => {
  const { expression, extracted } = readPackageLicence(stating('public-domain\n By A.', 'Public-Domain\n By B.', 'PD'))
  assert.equal(expression, 'LicenseRef-public-domain')
  assert.deepEqual(
    extracted.map(({ text }) => text.split('\n\n').length),
    [3],
  )
})

const freeTexts: readonly [text: string, want: string | undefined, because: string][] = [
  [GPL, 'GPL-2.0-or-later', 'a grant'],
  [`${GPL} See /usr/share/common-licenses/GPL-2.`, 'GPL-2.0-or-later', 'the reference belongs to the grant'],
  [
    'It is under the GPL, see /usr/share/common-licenses/GPL-2.',
    undefined,
    'nobody says whether later versions are meant',
  ],
  ['Under the terms of the GNU GPL.', undefined, 'no version at all'],
  ['See /usr/share/common-licenses/Apache-2.0.', 'Apache-2.0', 'a reference to a licence with one version'],
  [EXPAT, 'MIT', 'its text'],
  [`${GPL}\n\n${EXPAT}`, 'GPL-2.0-or-later AND MIT', 'both are there'],
  [`${GPL} As a special exception, you may link it.`, undefined, 'an exception must not get lost'],
  [`Dual licensed. ${GPL}\n\n${EXPAT}`, undefined, 'a choice must not become a conjunction'],
  [`${GPL} The same license as the manual pages.`, undefined, 'terms that are somewhere else'],
  ['This file is in the public domain.', 'LicenseRef-public-domain', 'a dedication'],
  ['This file is not in the public domain.', undefined, 'the opposite of a dedication'],
  ['It was packaged by somebody.', undefined, 'nothing is said'],
  ['', undefined, 'the file is empty'],
]
for (const [text, want, because] of freeTexts) {
  test(`free text is ${want ?? 'not classified'}: ${because}`, () => {
    const { expression, unclassified } = readPackageLicence(text)
    assert.equal(expression, want)
    assert.equal(unclassified.length > 0, want === undefined)
  })
}

test('a statement in free text that is no known licence is kept with the file', () => {
  const text = `${GPL} Permission is granted to copy the manual on Sundays.`
  const { expression, extracted, by } = readPackageLicence(text)
  assert.match(expression ?? '', /^GPL-2.0-or-later AND LicenseRef-debian-statements-[0-9a-f]{8}$/)
  assert.equal(extracted[0]?.text, text)
  assert.match(extracted[0]?.name ?? '', /permission is granted to copy the manual on sundays/)
  assert.match(by, /1 statements kept/)
})

test('real copyright files are read, and it is said by what', () => {
  assert.equal(readPackageLicence(sample('libzstd1')).expression, '(BSD-3-Clause OR GPL-2.0-only) AND MIT AND Zlib')
  const { expression, by } = readPackageLicence(sample('librtmp1'))
  assert.equal(expression, 'GPL-2.0-or-later AND LGPL-2.1-or-later')
  assert.equal(by, 'free text: GPL-2.0-or-later by a grant, LGPL-2.1-or-later by a grant')
  assert.equal(
    readPackageLicence(sample('libmpfr6')).expression,
    'GFDL-1.2-no-invariants-or-later AND LGPL-3.0-or-later',
  )
})

const byHand: readonly { package: string; expression: string | null; stated?: readonly string[] }[] = JSON.parse(
  readFileSync(joinPath(import.meta.dirname, 'testdata/by-hand.json'), 'utf8'),
)
test('what was read by hand is what we say, where short names suffice', () => {
  const named = byHand.filter(({ stated }) => stated !== undefined)
  assert.equal(byHand.length, 40)
  assert.ok(named.length >= 20)
  for (const { package: name, expression, stated = [] } of named) {
    assert.equal(readPackageLicence(stating(...stated)).expression, expression, name)
  }
})

test("every id that names and texts are mapped to is on SPDX's list, in its own spelling", () => {
  const ids: readonly string[] = createRequire(import.meta.url)('spdx-license-ids')
  const listed = new Set(ids)
  const mapped = [...knownSpdxIds(), ...TEXT_RULES.map(({ id }) => id)]
  assert.deepEqual(
    mapped.filter((id) => !listed.has(id)),
    [],
  )
  // Many texts are called MIT: that name alone is not enough.
  for (const id of knownSpdxIds()) assert.equal(spdxIdOf(id), id === 'MIT' ? undefined : id)
})

const hostile: readonly [string, () => string][] = [
  [
    'a start that is repeated',
    () => 'Dual licensed: redistribution and use in source and binary forms with or without modification, '.repeat(4e4),
  ],
  ['dots', () => `${'.'.repeat(4e6)}x`],
  ['a hyphen and empty lines', () => `a-${'\n'.repeat(4e6)}`],
  ['grants without end', () => 'gnu general public license '.repeat(1e5)],
  ['100,000 paragraphs', () => stating(...Array.from({ length: 1e5 }, (_, index) => `name-${index}`))],
  ['a first line without end', () => stating(`a${' and b'.repeat(1e6)}`)],
  ['commas without end', () => stating(`a${','.repeat(4e6)}b`)],
  [
    'a text with many names',
    () => stating(`${Array.from({ length: 300 }, (_, index) => `n${index}`).join(' and ')}\n ${'word '.repeat(2e5)}`),
  ],
]
for (const [what, make] of hostile) {
  test(`bad input takes bounded time and is not classified: ${what}`, () => {
    const text = make()
    const start = performance.now()
    const { expression, unclassified } = readPackageLicence(text)
    assert.ok(performance.now() - start < 10_000)
    assert.equal(expression, undefined)
    assert.ok(unclassified.length > 0 && unclassified.join().length < 10_000)
  })
}

test('an exception id is one of those that the names lead to', () => {
  const read = () => assert.fail('the text is not looked at')
  const text = 'LLVM Exceptions to the Apache 2.0 License'
  const resolution = resolveName('Apache-2.0 with LLVM exception', text, read)
  assert.ok(resolution.kind === 'known')
  assert.equal(formatLicenceExpression(resolution.expression), 'Apache-2.0 WITH LLVM-exception')
  assert.equal(recogniseText(text).found.length, 0)
})
