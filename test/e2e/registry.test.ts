import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { type CleansUp, openWorkplace, type Workplace } from './workplace.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

/** Serves the folder `registry` of a workplace by the command line; gives its address once it says it. */
async function serve(
  t: CleansUp,
  place: Workplace,
  ...options: string[]
): Promise<{ address: string; process: ChildProcess }> {
  const args = ['--conditions=source', MAIN, 'registry', 'serve', 'registry', '--listen', '127.0.0.1:0', ...options]
  const child = spawn(process.execPath, args, {
    cwd: place.folder,
    env: place.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(async () => {
    child.kill('SIGKILL')
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = /(127\.0\.0\.1:\d+)/.exec(line) ?? []
    if (address !== undefined) return { address, process: child }
  }
  throw new Error(`the registry did not start: ${(await child.stderr.toArray()).join('')}`)
}

async function stop({ process: child }: { process: ChildProcess }): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  assert.deepEqual(await closed, [0, null])
}

test('garbage is collected in a folder that is served and in one that is not, and images stay whole', async (t) => {
  const place = await openWorkplace(t)
  const served = await serve(t, place)
  await place.build(['-o', `docker://${served.address}/greeting:1`])
  place.write('casemate.yaml', place.read('casemate.yaml').replace('hello', 'good day'))
  const { digest } = await place.build(['-o', `docker://${served.address}/greeting:1`])

  const now = await place.run(['registry', 'gc', 'registry', '--grace', '0', '--untagged', '--json'])
  assert.equal(now.status, 0, now.stderr)
  const first = JSON.parse(now.stdout)
  assert.deepEqual([first.manifests, first.contents > 0], [2, true])
  assert.match((await place.run(['registry', 'scrub', 'registry'])).stdout, /^read \d+ contents, .*: all are whole\n$/)

  await stop(served)
  const later = await place.run(['registry', 'gc', 'registry', '--grace', '0', '--untagged'])
  assert.equal(later.status, 0, later.stderr)
  assert.match(later.stdout, /images without a tag +0/)
  const again = await serve(t, place)
  const summary = await place.run(['build', '.', '--json', '-o', `docker://${again.address}/greeting:2`])
  assert.equal(JSON.parse(summary.stdout).digest, digest)
  await stop(again)
})

test('a damaged content is found, put aside, named, and healed by a push', async (t) => {
  const place = await openWorkplace(t, {})
  const big = Buffer.alloc(400_000, 'Casemate')
  for (let at = 0; at < big.length; at++) big[at] = (at * 2654435761) % 251
  place.write('big.bin', big)
  const motd = '  - { path: /etc/motd, content: "hello\\n" }'
  place.write(
    'casemate.yaml',
    place.read('casemate.yaml').replace(motd, `${motd}\n  - { path: /opt/big, source: big.bin }`),
  )
  const served = await serve(t, place)
  await place.build(['-o', `docker://${served.address}/greeting:1`])
  const blobs = join(place.folder, 'registry/blobs/sha256')
  const [name = ''] = readdirSync(blobs)
  const bytes = readFileSync(join(blobs, name))
  bytes[7] = (bytes[7] ?? 0) ^ 1
  writeFileSync(join(blobs, name), bytes)
  const found = await place.run(['registry', 'scrub', 'registry'])
  assert.equal(found.status, 1)
  assert.match(found.stdout, new RegExp(`sha256:${name}  put aside as .*\\n`))
  await place.build(['-o', `docker://${served.address}/greeting:1`])
  assert.equal((await place.run(['registry', 'scrub', 'registry'])).status, 0)
  await stop(served)
})

test('wrong use of the registry is said before anything is touched', async (t) => {
  const place = await openWorkplace(t)
  for (const [args, reason] of [
    [['gc', 'nowhere'], /it is no registry's folder/],
    [['gc', '.', '--grace', 'soon'], /want a number of hours/],
    [['scrub', '.'], /it is no registry's folder/],
    [['serve', 'registry', '--listen', 'here'], /USAGE_INVALID|listen/],
  ] as const) {
    const run = await place.run(['registry', ...args])
    assert.deepEqual([run.status, reason.test(run.stderr)], [2, true], `${args.join(' ')}: ${run.stderr}`)
  }
  assert.deepEqual(place.files('registry'), [])
})
