import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tarOf } from '#testkit'
import { parseImageTests } from '../image-test.ts'
import { sandboxes } from './pick-sandbox.ts'
import { testImage } from './test-image.ts'

/** A static arm64 program: write(1, "arm64\n", 6); exit(0). */
function arm64Program(): Uint8Array {
  const code = [0xd2800020, 0x100000e1, 0xd28000c2, 0xd2800808, 0xd4000001, 0xd2800000, 0xd2800ba8, 0xd4000001]
  const bytes = Buffer.alloc(120 + code.length * 4 + 6)
  bytes.write('7f454c46020101', 'hex')
  bytes.writeUInt16LE(2, 16) // ET_EXEC
  bytes.writeUInt16LE(183, 18) // EM_AARCH64
  bytes.writeUInt32LE(1, 20)
  bytes.writeBigUInt64LE(0x400078n, 24) // entry: behind the two headers
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(64, 52)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(1, 56)
  bytes.writeUInt32LE(1, 64) // PT_LOAD
  bytes.writeUInt32LE(5, 68)
  bytes.writeBigUInt64LE(0x400000n, 80)
  bytes.writeBigUInt64LE(0x400000n, 88)
  bytes.writeBigUInt64LE(BigInt(bytes.length), 96)
  bytes.writeBigUInt64LE(BigInt(bytes.length), 104)
  bytes.writeBigUInt64LE(0x10000n, 112)
  code.forEach((word, index) => void bytes.writeUInt32LE(word, 120 + index * 4))
  bytes.write('arm64\n', 120 + code.length * 4)
  return bytes
}

function image(architecture: string) {
  const layer = tarOf({ path: 'hello', mode: 0o755, content: arm64Program() })
  const mediaType = 'application/vnd.oci.image.layer.v1.tar'
  const open = async function* () {
    yield layer
  }
  return { config: { os: 'linux', architecture, config: { User: '65532' } }, layers: [{ mediaType, open }] }
}

for (const sandbox of sandboxes) {
  test(`${sandbox.name} runs an arm64 program, and the report says by what`, async () => {
    const tests = parseImageTests([{ name: 'arm64', command: ['/hello'], stdout: { equals: 'arm64' } }])
    const { platform, results } = await testImage({ image: image('arm64'), tests, sandbox })
    assert.equal(platform, 'linux/arm64')
    assert.deepEqual(results[0]?.verdict, { kind: 'passed' })
    if (process.arch === 'x64') assert.match(results[0]?.outcome?.limits.emulator ?? '', /^qemu-aarch64/)
  })
}

test('an architecture that nothing here runs is an error that says what to install', async () => {
  const [sandbox] = sandboxes
  assert.ok(sandbox)
  await assert.rejects(testImage({ image: image('vax'), tests: [], sandbox }), {
    code: 'SANDBOX_MISSING',
    message: 'cannot run vax programs here: install qemu-user-static',
  })
})
