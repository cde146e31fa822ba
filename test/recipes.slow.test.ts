import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { openImage, parseReference } from '#oci'
import { RegistryServer } from '#oci/registry'
import { tarOf } from '#testkit'
import { writeTarLayout } from '../proof/parts/tar-layout.ts'

const root = resolve(import.meta.dirname, '..')
const recipe = (name: string) => readFileSync(join(root, 'recipes', name), 'utf8')
/** What no test can do: it wants the network, or a builder. */
const ELSEWHERE = /npm install|buildx build|buildah|advisories update/

/** A repository as the recipes want it, with an image as they would have built it, and what runs a command there. */
async function openRepository(t: TestContext, dockerfile: (base: string) => string) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-recipe-'))
  const server = await RegistryServer.start(join(folder, 'registry'), { host: '127.0.0.1', port: 0 })
  t.after(async () => {
    await server.close(100)
    rmSync(folder, { recursive: true })
  })
  const write = (name: string, text: string, mode = 0o644) => writeFileSync(join(folder, name), text, { mode })
  mkdirSync(join(folder, 'bin'))
  const main = join(root, 'src/cli/main.ts')
  write('bin/casemate', `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${main}' "$@"\n`, 0o755)
  write('allow.yaml', `bases:\n  - { image: "${server.address}/base/*", reason: hardened }\n`)
  const policy =
    '{ name: has-user, expression: config.user != "", reason: why, remedy: how, tests: [{ name: a, expect: passed }] }'
  write('team.yaml', `policies:\n  - ${policy}\n`)
  const excepted = ['tests-passed', 'no-overdue-fix', 'no-exploited-fixable', 'exploited-unfixed-excepted']
  const rest = 'subject: "**", owner: test, reason: a sample, expires: 2999-01-01'
  write('exceptions.yaml', `exceptions:\n${excepted.map((name) => `  - { policy: ${name}, ${rest} }\n`).join('')}`)
  const status = 'Package: app\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n'
  const release = { path: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n' }
  const layer = tarOf(
    release,
    { path: 'etc/passwd', content: 'nonroot:x:65532:65532::/:/x\n' },
    { path: 'var/lib/dpkg/status', content: status },
    { path: 'var/lib/dpkg/info/app.list', content: '/etc/passwd\n/etc/os-release\n' },
  )
  // The advisories of an empty world: nothing is known of any package, and that is known today.
  const cache = join(folder, 'cache')
  const env = {
    ...process.env,
    ...{ PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter), XDG_CACHE_HOME: cache, NO_COLOR: '1' },
    IMAGE: `oci:${join(folder, 'image')}:image`,
    CASEMATE_STALE: 'warn',
  }
  const run = async (script: string) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env })
    const status = new Promise<number | null>((resolve) => child.on('close', resolve))
    return { stdout: await text(child.stdout), stderr: await text(child.stderr), status: await status }
  }
  await writeTarLayout(join(folder, 'base'), [layer], { User: '65532' })
  const name = `${server.address}/base/python:3.13`
  const pushed = await run(`casemate copy oci:./base:image docker://${name}`)
  assert.equal(pushed.status, 0, pushed.stderr)
  const { top, close } = await openImage(parseReference(`docker://${name}`))
  await close()
  write('Dockerfile', dockerfile(`${name}@${top.descriptor.digest}`))
  const labels = { 'org.opencontainers.image.base.name': name }
  const own = tarOf(release)
  await writeTarLayout(join(folder, 'image'), [layer, own], { User: '65532', Labels: labels })
  const tracker = {
    openssl: { 'CVE-2026-1000': { releases: { trixie: { status: 'resolved', fixed_version: '1', urgency: 'low' } } } },
  }
  write('tracker.json', JSON.stringify(tracker))
  const imported = await run('casemate advisories import tracker.json')
  assert.equal(imported.status, 0, imported.stderr)
  return { run, read: (name: string) => readFileSync(join(folder, name), 'utf8') }
}

const GOOD = (base: string) => `FROM ${base}\nCOPY app /app\nENTRYPOINT ["/app"]\n`
const BAD = () => 'FROM docker.io/library/debian:13\nUSER root\n'

interface Job {
  readonly script?: readonly string[]
  readonly artifacts?: { readonly reports?: Readonly<Record<string, string>> }
}

const recipes: [string, () => readonly string[]][] = [
  [
    'github-actions.yml',
    () => parse(recipe('github-actions.yml')).jobs.image.steps.flatMap(({ run = '' }) => run.split('\n')),
  ],
  ['gitlab-ci.yml', () => Object.values<Job>(parse(recipe('gitlab-ci.yml'))).flatMap(({ script = [] }) => script)],
  [
    'Jenkinsfile',
    () =>
      [...recipe('Jenkinsfile').matchAll(/\bsh (?:'''([\s\S]*?)'''|'([^'\n]*)')/g)].flatMap(([, long, short = '']) =>
        (long ?? short).split('\n').map((line) => line.trim()),
      ),
  ],
]
for (const [name, commandsOf] of recipes) {
  test(`the commands of ${name} run on a sample repository, and stop at a Dockerfile that is not allowed`, async (t) => {
    const commands = commandsOf().filter((line) => line.startsWith('casemate ') && !ELSEWHERE.test(line))
    assert.ok(commands.length >= 4, commands.join('\n'))
    const { run } = await openRepository(t, GOOD)
    for (const command of commands) {
      const { status, stdout, stderr } = await run(command)
      assert.equal(status, 0, `${command}\n${stdout}${stderr}`)
    }
    const bad = await openRepository(t, BAD)
    assert.equal((await bad.run(commands.join('\n'))).status, 1)
  })
}

test('GitLab finds its report where the recipe says, in its own form', async (t) => {
  const job: Job = parse(recipe('gitlab-ci.yml')).scan
  const path = job.artifacts?.reports?.['container_scanning'] ?? ''
  const { run, read } = await openRepository(t, GOOD)
  const scripts = (job.script ?? []).filter((line) => !ELSEWHERE.test(line))
  assert.equal((await run(scripts.join('\n'))).status, 0)
  const report = JSON.parse(read(path))
  assert.deepEqual([report.scan.type, report.scan.scanner.id], ['container_scanning', 'casemate'])
})

test('the hooks of pre-commit find the files that they are about, and run on them', async (t) => {
  const hooks: { id: string; entry: string; files: string }[] = parse(
    readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8'),
  )
  const [{ hooks: used }]: [{ hooks: { id: string; args?: string[] }[] }] = parse(
    recipe('pre-commit-config.yaml'),
  ).repos
  const lint = hooks.find(({ id }) => id === 'casemate-lint')
  assert.ok(lint !== undefined)
  for (const path of ['Dockerfile', 'a/b/Containerfile', 'app.Dockerfile', 'Dockerfile.dev'])
    assert.match(path, new RegExp(lint.files))
  for (const path of ['Dockerfile/x', 'myDockerfiles']) assert.doesNotMatch(path, new RegExp(lint.files))
  const args = used.find(({ id }) => id === lint.id)?.args ?? []
  const command = [lint.entry, ...args, 'Dockerfile'].join(' ')
  const good = await openRepository(t, GOOD)
  assert.equal((await good.run(command)).status, 0)
  const bad = await openRepository(t, BAD)
  assert.equal((await bad.run(command)).status, 1)
  const policies = hooks.find(({ id }) => id === 'casemate-policy-test')
  assert.equal((await good.run(`${policies?.entry} team.yaml`)).status, 0)
})
