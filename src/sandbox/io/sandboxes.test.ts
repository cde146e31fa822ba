import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type TarItem, tarOf } from '#testkit'
import { parseImageTests } from '../image-test.ts'
import type { Sandbox } from '../sandbox.ts'
import type { TestResult } from '../test-report.ts'
import { sandboxes } from './pick-sandbox.ts'
import { testImage } from './test-image.ts'

const scratch = fs.mkdtempSync(join(tmpdir(), 'sandbox-test-'))
fs.chmodSync(scratch, 0o755)
process.env['TMPDIR'] = scratch
after(() => fs.rmSync(scratch, { recursive: true }))

/** What the unshare driver says that it cannot take out of the bounding set: chroot, setgid, setuid; without root, all. */
const EVERY = (2n << BigInt(fs.readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))) - 1n
const UNSHARE_BOUNDS = (process.getuid?.() === 0 ? 0x400c0n : EVERY).toString(16).padStart(16, '0')
const BUSYBOX = fs.readFileSync('/bin/busybox')
const CONTRACT = {
  schema: 'casemate.contract/v1',
  user: { name: 'nonroot', uid: 65532, gid: 65532 },
  entrypoint: [],
  cmd: [],
  ports: [],
  writable: ['/tmp', '/var/run/app'],
  'stop-signal': 'SIGTERM',
  environment: {},
  'work-dir': '/srv',
}
const SERVER = 'trap "exit 0" TERM; busybox httpd -p 127.0.0.1:8080 -h /srv & while :; do sleep 0.05; done'

const FILES: readonly TarItem[] = [
  { path: 'bin', type: 'directory' },
  { path: 'bin/busybox', mode: 0o755, content: BUSYBOX },
  ...['sh', 'id', 'cat', 'sleep', 'env', 'ip', 'httpd', 'hostname'].map(
    (name): TarItem => ({ path: `bin/${name}`, type: 'symlink', linkPath: 'busybox' }),
  ),
  { path: 'etc', type: 'directory' },
  { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532::/home/nonroot:/bin/sh\n' },
  { path: 'etc/shadow', mode: 0o600, content: 'root:secret\n' },
  { path: 'srv', type: 'directory' },
  { path: 'srv/index.html', content: '<h1>Welcome</h1>\n' },
  { path: 'srv/tool', mode: 0o4755, content: 'x' },
  { path: 'tmp', type: 'directory', mode: 0o1777 },
  { path: 'run', type: 'directory' },
  { path: 'var', type: 'directory' },
  { path: 'var/run', type: 'symlink', linkPath: '/run' },
]

const LAYER = gzipSync(tarOf(...FILES), { level: 1 })

async function run(sandbox: Sandbox, written: object, config: object = {}): Promise<TestResult> {
  const report = await testImage({
    image: {
      config: {
        os: 'linux',
        architecture: process.arch === 'x64' ? 'amd64' : process.arch,
        config: {
          User: '65532:65532',
          WorkingDir: '/srv',
          Env: ['FROM_IMAGE=yes'],
          Entrypoint: ['/bin/sh', '-c'],
          Cmd: ['echo default'],
          Labels: { 'dev.casemate.contract': JSON.stringify(CONTRACT) },
          ...config,
        },
      },
      layers: [
        {
          mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
          async *open() {
            yield LAYER
          },
        },
      ],
    },
    tests: parseImageTests([{ name: 'it', ...written }]),
    sandbox,
  })
  assert.equal(report.results.length, 1)
  return report.results[0]!
}

test('a test for another platform is left out', async () => {
  const [sandbox] = sandboxes
  assert.ok(sandbox !== undefined)
  const here = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`
  passed(await run(sandbox, { platforms: ['linux/s390x', here], stdout: { equals: 'default' } }))
  await assert.rejects(run(sandbox, { platforms: ['linux/s390x'] }), { actual: 0, expected: 1 })
})

const shell = (script: string) => ['/bin/sh', '-c', script]

function passed(result: TestResult): void {
  assert.deepEqual(result.verdict, { kind: 'passed' }, JSON.stringify(result))
}

function failed(result: TestResult, reason: RegExp): void {
  assert.equal(result.verdict.kind, 'failed', JSON.stringify(result))
  assert.match(result.verdict.kind === 'failed' ? result.verdict.reasons.join('\n') : '', reason)
}

for (const sandbox of sandboxes) {
  const check = (title: string, body: (t: TestContext) => Promise<void>) => test(`${sandbox.name}: ${title}`, body)

  check('works on this machine', async () => assert.equal(await sandbox.unavailable(), undefined))

  check("runs the image's entrypoint and cmd, or the entrypoint with the test's arguments", async () => {
    passed(await run(sandbox, { stdout: { equals: 'default' } }))
    passed(await run(sandbox, { args: ['echo other; exit 3'], stdout: { equals: 'other' }, 'exit-code': 3 }))
  })

  check('lets the program open its output again by name, as servers do that log to /dev/stdout', async () => {
    const script = 'echo log > /dev/stdout; echo trouble > /dev/stderr'
    passed(await run(sandbox, { command: shell(script), stdout: { equals: 'log' }, stderr: { equals: 'trouble' } }))
  })

  check('runs nothing for a test that asks for files alone', async () => {
    const result = await run(sandbox, { files: [{ path: '/srv/index.html', contains: 'Welcome' }] })
    passed(result)
    assert.equal(result.outcome?.ending.kind, 'none')
    failed(await run(sandbox, { files: [{ path: '/srv/other' }] }), /not there/)
  })

  check('runs as the declared user, in numbers, with no capability and no new privileges', async () => {
    const script = 'id -u; id -g; busybox grep -E "^(Cap|NoNew)" /proc/self/status'
    const result = await run(sandbox, { command: shell(script) })
    passed(result)
    assert.deepEqual(result.outcome?.stdout.text.split(/\s+/).filter(Boolean), [
      ...['65532', '65532'],
      ...['CapInh:', 'CapPrm:', 'CapEff:'].flatMap((name) => [name, '0000000000000000']),
      ...['CapBnd:', sandbox.name === 'unshare' ? UNSHARE_BOUNDS : '0000000000000000'],
      ...['CapAmb:', '0000000000000000'],
      ...['NoNewPrivs:', '1'],
    ])
  })

  check("denies what the declared user may not read, though root's own process started it", async () => {
    failed(await run(sandbox, { command: ['cat', '/etc/shadow'] }), /exit code 1.*Permission denied/)
  })

  check('runs as another user where the test says so', async () => {
    passed(await run(sandbox, { command: ['id', '-u'], user: 'root', stdout: { equals: '0' } }))
  })

  check('refuses writes outside the writable paths, by anybody', async () => {
    for (const user of ['nonroot', 'root']) {
      const command = shell('echo x > /srv/new')
      failed(await run(sandbox, { command, user }), /exit code 1.*(Read-only file system|Permission denied)/)
    }
    failed(await run(sandbox, { command: shell('echo x > /new'), user: 'root' }), /Read-only file system/)
  })

  check('lets the user write to the writable paths, and sees what was left there', async () => {
    const command = shell('echo one > /tmp/a && echo two > /var/run/app/b && busybox chmod 640 /tmp/a && ls -ldn /tmp')
    const files = [
      { path: '/tmp/a', mode: '0640', contains: 'one' },
      { path: '/run/app/b', contains: 'two' },
      { path: '/tmp/none', absent: true },
      { path: '/srv/tool', mode: '4755' },
    ]
    passed(await run(sandbox, { command, files }))
  })

  check('follows a link that the program left as the program would, never to the host', async (t) => {
    const secret = join(tmpdir(), `casemate-secret-${process.pid}-${sandbox.name}`)
    fs.writeFileSync(secret, 'host')
    t.after(() => fs.rmSync(secret))
    const command = shell(`busybox ln -s ${secret} /tmp/link; busybox ln -s ../etc/passwd /tmp/inside`)
    const files = [
      { path: '/tmp/link', absent: true },
      { path: '/tmp/inside', contains: 'nonroot' },
    ]
    passed(await run(sandbox, { command, files }))
  })

  check('has no network but loopback', async () => {
    const result = await run(sandbox, { command: shell('busybox ip -o link; busybox cat /proc/net/route') })
    passed(result)
    assert.match(result.outcome?.stdout.text ?? '', /^1: lo: <LOOPBACK,UP/)
    assert.doesNotMatch(result.outcome?.stdout.text ?? '', /^[2-9][0-9]*: (?!sit|ip6|tunl|gre|erspan)/m)
  })

  check("has the host's network only when the test asks for it", async (t) => {
    const server = net.createServer((socket) => socket.end('from the host')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const command = ['/bin/busybox', 'nc', '127.0.0.1', String(port)]
    passed(await run(sandbox, { command, network: 'host', stdout: { equals: 'from the host' } }))
    failed(await run(sandbox, { command }), /exit code 1/)
  })

  check("gives the image's and the test's environment and nothing of the host's", async () => {
    process.env['CASEMATE_TEST_SECRET'] = 'leaked'
    const result = await run(sandbox, { command: ['/bin/env'], environment: { FROM_TEST: 'a=b c' } })
    delete process.env['CASEMATE_TEST_SECRET']
    const lines = result.outcome?.stdout.text.split('\n') ?? []
    for (const line of ['FROM_IMAGE=yes', 'FROM_TEST=a=b c', 'HOME=/home/nonroot'])
      assert.ok(lines.includes(line), line)
    const known = /^(FROM_IMAGE|FROM_TEST|HOME|PATH|PWD|SHLVL|HOSTNAME|TERM|container)=|^$/
    assert.deepEqual(
      lines.filter((line) => !known.test(line)),
      [],
    )
  })

  check('gives the program its input, which it can open again by name, and need not read', async () => {
    passed(await run(sandbox, { command: ['cat'], stdin: 'hello\n', stdout: { equals: 'hello' } }))
    passed(await run(sandbox, { command: ['cat', '/dev/stdin'], stdin: 'hello\n', stdout: { equals: 'hello' } }))
    passed(
      await run(sandbox, { command: ['cat'], stdin: 'x'.repeat(300_000), stdout: { equals: 'x'.repeat(300_000) } }),
    )
    passed(await run(sandbox, { command: ['/bin/busybox', 'true'], stdin: 'x'.repeat(300_000) }))
  })

  check('fails a test with the wrong output, and says what it is', async () => {
    const result = await run(sandbox, { command: shell('echo wrong; echo why >&2'), stdout: { contains: 'right' } })
    failed(result, /stdout does not contain "right"; it is "wrong\\n"/)
    failed(
      await run(sandbox, { command: shell('echo why >&2; exit 4') }),
      /exit code 4, want exit code 0; stderr ends "why"/,
    )
  })

  check('kills every process at the time limit', async () => {
    const marker = `4321${process.pid}`
    const command = shell(`busybox sleep ${marker} & busybox sleep ${marker}`)
    failed(await run(sandbox, { command, timeout: '300ms' }), /ran longer than 300 ms and was killed/)
    const running = fs.readdirSync('/proc').filter((pid) => {
      const file = `/proc/${pid}/cmdline`
      return /^\d+$/.test(pid) && fs.existsSync(file) && fs.readFileSync(file, 'latin1').includes(`sleep\0${marker}`)
    })
    assert.deepEqual(running, [])
  })

  check('ends a program that takes more memory than the test allows', async () => {
    const result = await run(sandbox, { command: ['/bin/busybox', 'tail', '/dev/zero'], memory: '64MiB' })
    failed(result, /exit code (1|137)/)
    assert.equal(result.outcome?.limits.memory, ['bwrap', 'unshare'].includes(sandbox.name) ? 'process' : 'group')
  })

  check('keeps the first MiB of an output and says that it was more', async () => {
    const result = await run(sandbox, { command: shell('busybox yes | busybox head -c 3000000') })
    passed(result)
    assert.equal(result.outcome?.stdout.text.length, 1024 * 1024)
    assert.equal(result.outcome?.stdout.truncated, true)
  })

  check('tells that a program is missing', async () => {
    failed(await run(sandbox, { command: ['/bin/perl'] }), /could not start: the image has no program "\/bin\/perl"/)
  })

  check('starts a service, finds its port, asks it for a page and stops it by its signal', async () => {
    const service = {
      args: [SERVER],
      start: true,
      ready: { port: 8080 },
      probe: { http: { path: '/', contains: 'Welcome', headers: { 'Content-Type': 'text/html' } } },
      stop: { 'exit-code': 0, within: '5s' },
    }
    const result = await run(sandbox, service)
    passed(result)
    assert.deepEqual(result.outcome?.service?.listening, [8080])
    const probe = { http: { path: '/nothing' } }
    failed(await run(sandbox, { ...service, probe }), /GET \/nothing answers 404, want 200/)
  })

  check('waits for what a service says on standard error', async () => {
    const args = ['sleep 0.3; echo ready >&2; exec sleep 60']
    passed(await run(sandbox, { args, start: true, ready: { stderr: 'ready' } }))
    const silent = { args, start: true, ready: { stdout: 'ready' }, timeout: '600ms' }
    failed(await run(sandbox, silent), /not ready after 600 ms/)
  })

  check('tells why a service is not ready', async () => {
    const start = { start: true, ready: { port: 8080 }, timeout: '1s' }
    failed(await run(sandbox, { ...start, args: ['echo broken >&2; exit 5'] }), /never ready: exit code 5; .*broken/)
    const idle = { ...start, args: ['exec sleep 60'], timeout: '200ms' }
    failed(await run(sandbox, idle), /not ready after 200 ms: nothing listens on port 8080/)
  })

  check('tells that a service ignores its stop signal', async () => {
    const args = ['trap "" TERM; busybox httpd -p 8080 -h /srv & while :; do sleep 0.05; done']
    const service = { args, start: true, ports: [8080], stop: { within: '200ms' } }
    failed(await run(sandbox, service), /still ran 200 ms after the stop signal/)
  })

  check('probes plain TCP', async () => {
    const args = ['exec busybox nc -l -p 7000 -e /bin/cat']
    const probe = { tcp: { send: 'abc\n', contains: 'abc' } }
    passed(await run(sandbox, { args, start: true, ready: { port: 7000 }, probe }))
    const mute = { tcp: { send: 'abc\n', contains: 'other' } }
    const result = await run(sandbox, { args, start: true, ready: { port: 7000 }, probe: mute, timeout: '1s' })
    failed(result, /port 7000 does not contain "other"; it is "abc/)
  })

  check('gives up a container that never began, and one that cannot be made', async () => {
    const directory = fs.mkdtempSync(join(scratch, 'spec-'))
    const root = join(directory, 'root')
    fs.mkdirSync(join(root, 'proc'), { recursive: true })
    fs.mkdirSync(join(root, 'dev'))
    fs.mkdirSync(join(root, 'sys'))
    const user = { uid: 65532, gid: 65532 }
    const base = {
      directory,
      root,
      environment: {},
      workDir: '/',
      stdin: '',
      user,
      writable: [],
      network: 'none',
    } as const
    fs.writeFileSync(join(root, 'busybox'), BUSYBOX)
    // Whatever the umask is, the user may come this far.
    for (const path of [root, join(root, 'busybox')]) fs.chmodSync(path, 0o755)
    const container = await sandbox.launch({ ...base, id: `never-${process.pid}`, argv: ['/busybox', 'true'] })
    await container.destroy()
    await container.destroy()
    assert.equal(fs.existsSync(`/proc/${container.pid}`), false)
    const impossible = { ...base, root: join(directory, 'missing'), id: `none-${process.pid}`, argv: ['/x'] } as const
    await assert.rejects(sandbox.launch(impossible), { code: 'SANDBOX_FAILED' })
    fs.rmSync(directory, { recursive: true })
  })

  check('leaves nothing on disk, not even after a failure', async () => {
    const before = leftovers()
    failed(await run(sandbox, { command: shell('exit 1') }), /exit code 1/)
    await assert.rejects(run(sandbox, { command: ['id'] }, { User: 'nobody-here' }), { code: 'IMAGE_USER_UNKNOWN' })
    assert.deepEqual(leftovers(), before)
  })
}

function leftovers(): string[] {
  return fs.readdirSync(scratch)
}
