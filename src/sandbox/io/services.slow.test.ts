import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, test } from 'node:test'
import { parseImageTests } from '../image-test.ts'
import type { Sandbox } from '../sandbox.ts'
import { reasonsOf, type TestResult } from '../test-report.ts'
import { sandboxes } from './pick-sandbox.ts'
import { openScratch, sampleImage } from './sample-image.test.ts'
import { testImage } from './test-image.ts'

const scratch = openScratch()
after(() => fs.rmSync(scratch, { recursive: true }))

const SERVER = 'trap "exit 0" TERM; echo up; busybox httpd -p 127.0.0.1:8080 -h /srv & while :; do sleep 0.05; done'
const HELPER = sampleImage({ Env: ['PATH=/opt'] }, { path: 'opt/sh', type: 'symlink', linkPath: '/bin/busybox' })

async function run(sandbox: Sandbox, written: object, config: object = {}): Promise<TestResult> {
  const report = await testImage({
    image: sampleImage(config),
    tests: parseImageTests([{ name: 'it', ...written }]),
    sandbox,
    openHelper: async (reference) => {
      if (reference !== 'oci:helper') throw new Error('there is none')
      return HELPER
    },
  })
  const [result, ...others] = report.results
  assert.ok(result && others.length === 0)
  return result
}

function reasons({ verdict }: TestResult): string {
  return verdict.kind === 'not-run' ? `not run: ${verdict.reason}` : reasonsOf(verdict).join('\n')
}

const health = (...words: readonly string[]) => ({ Healthcheck: { Test: words, Timeout: 2_000_000_000 } })

for (const sandbox of sandboxes) {
  const check = (title: string, body: () => Promise<void>) => test(`${sandbox.name}: ${title}`, body)
  const service = { args: [SERVER], start: true, ready: { port: 8080 } }

  check(
    "runs the image's health check in the container until it passes, as the user and with what it has written",
    async () => {
      const args = ['sleep 0.4; echo well > /tmp/state; id -u >&2; exec sleep 60']
      const checked = { args, start: true, probe: { healthcheck: true }, timeout: '20s' }
      const words =
        '[ "$(cat /tmp/state)" = well ] && [ $(id -u) = 65532 ] && busybox grep -q "CapEff:.0000000000000000" /proc/self/status && [ -d /proc/1 ] && busybox grep -q "NoNewPrivs:.1" /proc/self/status && ! touch /srv/new 2>/dev/null && echo $GREETING'
      const result = await run(sandbox, checked, health('CMD-SHELL', words))
      assert.equal(reasons(result), '')
      const { service: seen } = result.outcome ?? {}
      assert.ok(seen?.reply?.kind === 'command' && seen.reply.attempts > 1, JSON.stringify(seen))
      assert.equal(seen.reply.stdout.text, 'hello\n')
      assert.ok((seen.startup ?? 0) >= 400)
    },
  )

  check('asks a service by a command of the image in its own container', async () => {
    const ask = (path: string) => ({
      command: { run: ['wget', '-qO-', `http://127.0.0.1:8080/${path}`], stdout: { contains: 'Welcome' } },
    })
    assert.equal(reasons(await run(sandbox, { ...service, probe: ask(''), stop: { within: '5s' } })), '')
    assert.match(
      reasons(await run(sandbox, { ...service, probe: ask('none') })),
      /^wget: exit code 1, want exit code 0; stderr ends "wget: server returned error: HTTP\/1\.1 404 Not Found"/,
    )
  })

  check(
    'asks a service by a program of another image beside it, which sees its network and not its files',
    async () => {
      const words = 'wget -qO- http://127.0.0.1:8080/ && ! cat /tmp/mark'
      const probe = {
        command: {
          run: ['sh', '-c', `PATH=/bin; ${words}`],
          helper: 'oci:helper',
          stdout: { contains: 'Welcome' },
        },
      }
      const args = [`touch /tmp/mark; ${SERVER}`]
      const result = await run(sandbox, { ...service, args, probe, stop: { within: '5s' } })
      assert.equal(reasons(result), '')
      const asked = { ...service, probe: { command: { ...probe.command, run: ['cat'] } } }
      assert.equal(
        reasons(await run(sandbox, asked)),
        'cat: could not start: the image has no program "cat", want exit code 0',
      )
    },
  )

  check("gives a command another image's programs, read-only, beside the image's own files", async () => {
    const busybox = '/dev/casemate-helper/bin/busybox'
    const script = `${busybox} cat /srv/index.html && ! ${busybox} touch /dev/casemate-helper/srv/new 2>/dev/null`
    const command = [busybox, 'sh', '-c', script]
    const seen = await run(sandbox, { helper: 'oci:helper', command, stdout: { contains: 'Welcome' } })
    assert.equal(reasons(seen), '')
    const missing = await run(sandbox, { helper: 'oci:helper', command: ['/dev/casemate-helper/bin/none'] })
    assert.match(reasons(missing), /the image has no program "\/dev\/casemate-helper\/bin\/none"/)
    const unknown = await run(sandbox, { helper: 'oci:other', command })
    assert.equal(reasons(unknown), 'not run: cannot use helper image oci:other: there is none')
  })

  check('measures the start until the probe has answered, and holds it against its limit', async () => {
    const slow = { ...service, args: [`sleep 0.5; ${SERVER}`], probe: { http: { path: '/' } } }
    const result = await run(sandbox, { ...slow, within: '300ms' })
    assert.match(reasons(result), /^took \d+ ms to start, want at most 300 ms$/)
    assert.ok((result.outcome?.service?.startup ?? 0) >= 500)
    assert.equal(reasons(await run(sandbox, { ...slow, within: '30s' })), '')
  })

  check('looks for what a service must and must not log', async () => {
    const log = { ...service, stdout: { matches: '^up$', excludes: ['(?i)error', 'down'] } }
    assert.equal(reasons(await run(sandbox, log)), '')
    const noisy = { ...log, args: [`echo "an Error"; ${SERVER}`], stderr: { matches: 'never' } }
    const said = reasons(await run(sandbox, noisy))
    const found = 'stdout matches /(?i)error/, want it not to; it is "an Error\\nup\\n"'
    assert.equal(said, `${found}\nstderr does not match /never/; it is ""`)
  })

  check('leaves nothing behind', async () => assert.deepEqual(fs.readdirSync(scratch), []))
}

const [first] = sandboxes

for (const sandbox of sandboxes.filter(({ name }) => name === 'bwrap' || name === 'unshare')) {
  test(`${sandbox.name}: does not enter a container as root, who would keep capabilities there`, async () => {
    const result = await run(
      sandbox,
      { args: ['exec sleep 60'], start: true, user: 'root', probe: { healthcheck: true } },
      health('CMD', 'id'),
    )
    assert.match(reasons(result), /^not run: cannot enter the container as root: only runc and podman do so safely$/)
  })
}

const service = { args: [SERVER], start: true, ready: { port: 8080 } }
const checks: [object, RegExp, string][] = [
  [
    health('CMD', '/bin/sh', '-c', 'echo sick; exit 1'),
    /^the health check: exit code 1 at the last of \d+ times, want exit code 0; stdout ends "sick"$/,
    'it fails',
  ],
  [health('CMD', '/bin/sh', '-c', 'sleep 60'), /^the health check: timed out.*, want exit code 0$/, 'it does not end'],
  [
    health('CMD', 'pg_isready'),
    /^the health check: could not start: the image has no program "pg_isready"/,
    'there is no such program',
  ],
  [health('NONE'), /^the image declares no health check$/, 'it is switched off'],
  [{}, /^the image declares no health check$/, 'there is none'],
]
for (const [config, want, because] of checks) {
  test(`a health check is no pass: ${because}`, async () => {
    assert.ok(first)
    const result = await run(first, { ...service, probe: { healthcheck: true }, timeout: '3s' }, config)
    assert.match(reasons(result), want)
  })
}
