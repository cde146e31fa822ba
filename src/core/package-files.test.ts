import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { packageFile, programFile } from './package-files.ts'

const root = resolve(import.meta.dirname, '../..')

test("a file of the package is found from the package's root", () => {
  assert.equal(packageFile('package.json').href, pathToFileURL(join(root, 'package.json')).href)
  assert.equal(packageFile('archives').href, pathToFileURL(join(root, 'archives')).href)
})

test('the programs that threads and processes are started with are there', () => {
  for (const module of ['image/io/member-worker', 'sandbox/io/probe'])
    assert.ok(existsSync(programFile(module)), module)
})
