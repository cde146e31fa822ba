import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { formatTestTable, parseImageTests, pickSandbox, testImage } from '#sandbox'
import { tarOf } from '#testkit'

const image = {
  config: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
  layers: [
    {
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      async *open() {
        yield tarOf({ path: 'bin/busybox', mode: 0o755, content: fs.readFileSync('/bin/busybox') })
      },
    },
  ],
}

test("the README's example runs as it stands there", async () => {
  const readme = fs.readFileSync(new URL('./README.md', import.meta.url), 'utf8')
  const code = /```ts\nimport [^\n]+\n\n(.*)console\.log\(formatTestTable\(report\)\)\n```/s.exec(readme)?.[1]
  assert.ok(code)
  const names = ['image', 'parseImageTests', 'pickSandbox', 'testImage']
  const body = `return (async () => { ${code}; return report })()`
  const report = await new Function(...names, body)(image, parseImageTests, pickSandbox, testImage)
  assert.match(formatTestTable(report), /^passed +[0-9]+ ms {2}says hello\n1 passed \(bwrap, linux\/[a-z0-9]+\)\n$/)
})

test('a sandbox that does not exist is an error that names those that do', async () => {
  await assert.rejects(pickSandbox('docker'), { code: 'SANDBOX_MISSING', message: /want one of bwrap, runc, podman/ })
})

test('without any runtime on the PATH the error says what to install', async (t) => {
  const path = process.env['PATH']
  t.after(() => {
    process.env['PATH'] = path
  })
  process.env['PATH'] = '/nonexistent'
  await assert.rejects(pickSandbox(), { code: 'SANDBOX_MISSING', message: /install bubblewrap or runc or podman/ })
})
