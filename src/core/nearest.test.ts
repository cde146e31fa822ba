import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, nearest } from './nearest.ts'

const words: [string, readonly string[], string | undefined, string][] = [
  ['entrypont', ['environment', 'entrypoint'], 'entrypoint', 'a letter is missing'],
  ['packgaes', ['packages', 'paths'], 'packages', 'two letters are swapped, which is one edit'],
  ['Image', ['image'], 'image', 'a letter has another case'],
  ['cmd', ['cmd'], 'cmd', 'it is there'],
  ['xyz', ['cmd', 'url'], undefined, 'nothing is near'],
  ['', ['cmd'], undefined, 'an empty word is near nothing'],
  ['x'.repeat(100_000), ['cmd', 'image'], undefined, 'a long word is told apart by its length alone'],
]
for (const [word, known, want, because] of words) {
  test(`the nearest to ${JSON.stringify(word.slice(0, 12))} is ${want}: ${because}`, () => {
    assert.equal(nearest(word, known), want)
  })
}

const distances: [string, string, number, string][] = [
  ['kitten', 'sitting', 3, 'two letters are replaced, one is added'],
  ['ab', 'ba', 1, 'a swap of neighbours is one edit'],
  ['', 'abc', 3, 'every letter is added'],
  ['same', 'same', 0, 'nothing has to be done'],
]
for (const [left, right, want, because] of distances) {
  test(`from ${JSON.stringify(left)} to ${JSON.stringify(right)} are ${want} edits: ${because}`, () => {
    assert.equal(editDistance(left, right, 9), want)
    assert.equal(editDistance(right, left, want), want)
    assert.ok(editDistance(left, right, want - 1) > want - 1, 'above the limit, whatever the number')
  })
}
