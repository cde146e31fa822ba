import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TestPath, testEffectInput, testPackage } from '#testkit'
import { applyEffects } from './apply-effects.ts'

const program = { content: '', mode: 0o755 }
const jre = (version: number) => `/usr/lib/jvm/java-${version}-openjdk-arm64/bin/java`
const packageOf = (version: number) => {
  const call = `update-alternatives --install /usr/bin/java java ${jre(version)} ${version}11`
  return testPackage(`openjdk-${version}-jre-headless`, { postinst: `#!/bin/sh\n${call}\n` })
}
const apply = (versions: readonly number[], more: Record<string, TestPath> = {}) => {
  const paths = Object.fromEntries(versions.map((version) => [jre(version), program]))
  return applyEffects(testEffectInput({ ...paths, ...more }, versions.map(packageOf))).tree
}

test('one path leads to the Java of any version and architecture, the same that the command starts', () => {
  const tree = apply([21, 25])
  assert.equal(tree.resolve('/usr/bin/java'), jre(25))
  assert.equal(tree.resolve('/usr/lib/jvm/default-jvm/bin/java'), jre(25))
})

test("a link that is there already stays, Debian's own is another, and an image without Java has none", () => {
  const link = { link: 'java-21-openjdk-arm64' }
  const paths = { '/usr/lib/jvm/default-java': link }
  assert.equal(apply([21, 25], paths).resolve('/usr/lib/jvm/default-jvm/bin/java'), jre(25))
  assert.equal(
    apply([21, 25], { '/usr/lib/jvm/default-jvm': link }).resolve('/usr/lib/jvm/default-jvm/bin/java'),
    jre(21),
  )
  assert.equal(apply([]).get('/usr/lib/jvm/default-jvm'), undefined)
})
