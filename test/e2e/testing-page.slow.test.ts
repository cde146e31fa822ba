import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { digestOf } from '#core'
import { composeImage, composeIndex, type ExecutionParameters, MEDIA_TYPES, type Platform, writeLayout } from '#oci'
import { type TarItem, tarOf } from '#testkit'
import { fencedBlocks } from '../readme-blocks.ts'

const root = resolve(import.meta.dirname, '../..')

const BUSYBOX: TarItem = { path: 'bin/busybox', mode: 0o755, content: readFileSync('/bin/busybox') }
const SERVE = `#!/bin/busybox sh
trap "exit 0" TERM
/bin/busybox httpd -p 8080 -h /srv &
while :; do /bin/busybox sleep 0.05; done
`

/** Writes an image for the platform that this is, as a layout. */
async function writeImage(place: string, config: ExecutionParameters, ...items: readonly TarItem[]): Promise<void> {
  const tar = tarOf(...items)
  const bytes = gzipSync(tar)
  const descriptor = { mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length }
  const platform: Platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
  const image = composeImage({ config: { platform, config }, layers: [{ descriptor, diffId: digestOf(tar) }] })
  const source = {
    async *open() {
      yield bytes
    },
  }
  await writeLayout(place, composeIndex([image], source), 'latest')
}

/** A web server that ends when it is asked to, and beside it an image with tools. */
async function writeImages(folder: string): Promise<string> {
  await writeImage(join(folder, 'tools'), {}, BUSYBOX)
  const server = { User: '65532:65532', Env: ['PATH=/bin'], Entrypoint: ['/bin/serve'], ExposedPorts: ['8080/tcp'] }
  const files: readonly TarItem[] = [
    BUSYBOX,
    { path: 'bin/serve', mode: 0o755, content: SERVE },
    { path: 'etc/passwd', content: 'root:x:0:0::/root:/x\nnonroot:x:65532:65532::/:/x\n' },
    { path: 'etc/web.conf', mode: 0o640, gid: 65532, content: 'port = 8080\nroot = /srv\n' },
    { path: 'srv', type: 'directory', mode: 0o755, uid: 65532, gid: 65532 },
    { path: 'srv/index.html', content: '<h1>Welcome</h1>\n' },
  ]
  await writeImage(join(folder, 'web-image'), server, ...files)
  await writeImage(join(folder, 'old-image'), server, ...files, { path: 'srv/old', content: 'old' })
  return `oci:${join(folder, 'web-image')}`
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
    IMAGE: await writeImages(folder),
    OLD: `oci:${join(folder, 'old-image')}`,
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
      assert.match(output, /^(\d+ passed|no regression) \(/m, command)
    }
  }
})
