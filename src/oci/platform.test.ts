import assert from 'node:assert/strict'
import { test } from 'node:test'
import { debianArchitectureOf, formatPlatform, parsePlatform, platformOfDebian, samePlatform } from './platform.ts'

const mapped: [string, string][] = [
  ['amd64', 'linux/amd64'],
  ['arm64', 'linux/arm64/v8'],
  ['armhf', 'linux/arm/v7'],
  ['armel', 'linux/arm/v5'],
  ['i386', 'linux/386'],
  ['mips64el', 'linux/mips64le'],
  ['ppc64el', 'linux/ppc64le'],
  ['riscv64', 'linux/riscv64'],
  ['s390x', 'linux/s390x'],
]
for (const [debian, oci] of mapped) {
  test(`Debian's ${debian} is ${oci}, and back`, () => {
    assert.equal(formatPlatform(platformOfDebian(debian)), oci)
    assert.equal(debianArchitectureOf(parsePlatform(oci)), debian)
  })
}

test('a platform without its usual variant is the same platform', () => {
  assert.ok(samePlatform(parsePlatform('linux/arm64'), parsePlatform('linux/arm64/v8')))
  assert.equal(debianArchitectureOf(parsePlatform('linux/arm64')), 'arm64')
  assert.equal(debianArchitectureOf(parsePlatform('linux/arm')), 'armhf')
  assert.ok(!samePlatform(parsePlatform('linux/arm/v5'), parsePlatform('linux/arm/v7')))
})

test('what Debian does not have is refused', () => {
  assert.throws(() => platformOfDebian('toString'), { code: 'PLATFORM_INVALID', message: /known are amd64/ })
  assert.throws(() => debianArchitectureOf(parsePlatform('windows/amd64')), { code: 'PLATFORM_INVALID' })
  for (const text of ['linux', 'linux/', 'linux/amd64/v1/x', 'Linux/amd64', '']) {
    assert.throws(() => parsePlatform(text), { code: 'PLATFORM_INVALID' })
  }
})
