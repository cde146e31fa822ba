import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf } from '#core'
import { composeImage, composeIndex, MEDIA_TYPES, type Platform, segmentBlobs, writeLayout } from '#oci'
import { tarOf } from '#testkit'
import { fencedBlocks } from '../readme-blocks.ts'

const root = resolve(import.meta.dirname, '../..')

/** A web server that ends when it is asked to, in an image of busybox. */
async function writeServer(folder: string): Promise<string> {
  const serve =
    '#!/bin/busybox sh\ntrap "exit 0" TERM\n/bin/busybox httpd -p 8080 -h /srv &\nwhile :; do /bin/busybox sleep 0.05; done\n'
  const tar = tarOf(
    { path: 'bin/busybox', mode: 0o755, content: readFileSync('/bin/busybox') },
    { path: 'bin/serve', mode: 0o755, content: serve },
    { path: 'etc/passwd', content: 'root:x:0:0::/root:/x\nnonroot:x:65532:65532::/:/x\n' },
    { path: 'etc/web.conf', mode: 0o640, gid: 65532, content: 'port = 8080\nroot = /srv\n' },
    { path: 'srv', type: 'directory', mode: 0o755, uid: 65532, gid: 65532 },
    { path: 'srv/index.html', content: '<h1>Welcome</h1>\n' },
  )
  const bytes = gzipSync(tar)
  const path = join(folder, 'layer.tar.gz')
  writeFileSync(path, bytes)
  const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
  const platform: Platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
  const config = {
    User: '65532:65532',
    Env: ['PATH=/bin'],
    Entrypoint: ['/bin/serve'],
    ExposedPorts: ['8080/tcp'],
  }
  const image = composeImage({ config: { platform, config }, layers: [{ descriptor, diffId: digestOf(tar) }] })
  await writeLayout(
    join(folder, 'web-image'),
    composeIndex([image], segmentBlobs([{ descriptor, segments: [{ path }] }])),
    'web',
  )
  return `oci:${join(folder, 'web-image')}:web`
}

/** A folder with the page's files, and `casemate` to call. */
async function workplace(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-e2e-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'bin'))
  const main = join(root, 'src/cli/main.ts')
  const shim = `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${main}' "$@"\n`
  writeFileSync(join(folder, 'bin/casemate'), shim, { mode: 0o755 })
  const env = {
    PATH: [join(folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter),
    HOME: folder,
    IMAGE: await writeServer(folder),
    NO_COLOR: '1',
  }
  const run = (line: string) =>
    new Promise<{ readonly status: number; readonly output: string }>((ended) => {
      execFile('/bin/sh', ['-euc', line], { cwd: folder, env }, (error, stdout, stderr) =>
        ended({ status: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
      )
    })
  return { folder, run }
}

/** Where a block of YAML is kept: as the definition of its image, or by the name in its first line. */
function pathOf(yaml: string): string {
  const [, image] = /^image: (\S+)$/m.exec(yaml) ?? []
  const [, name] = /^# (\S+\.yaml)$/m.exec(yaml) ?? []
  if (image !== undefined) return `${image}/casemate.yaml`
  assert.ok(name !== undefined, `no file for:\n${yaml}`)
  return name
}

test('every command of the page on testing does what the page says', async (t) => {
  const { folder, run } = await workplace(t)
  const blocks = fencedBlocks(readFileSync(join(root, 'docs/testing.md'), 'utf8'))
  for (const { language, text, line } of blocks) {
    assert.match(language, /^(sh|yaml)$/, `no test runs the block on line ${line}`)
    if (language === 'yaml') {
      mkdirSync(dirname(join(folder, pathOf(text))), { recursive: true })
      writeFileSync(join(folder, pathOf(text)), `${text}\n`)
      continue
    }
    for (const command of text.split('\n')) {
      const { status, output } = await run(command)
      assert.equal(status, 0, `line ${line}: ${command}\n${output}`)
      assert.match(output, /^\d+ passed \(/m, command)
    }
  }
})
