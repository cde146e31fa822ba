import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDefaultPolicies } from '#policy'
import { runOrThrow, runProgram } from './parts/command.ts'
import { ALLOWED_LABELS, GATE_SEEDS, type GateSeed, SEED_ALLOW_LIST } from './parts/gate-seeds.ts'
import { seedAdvisories, writeSeeded } from './parts/seeded-image.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]
const NAME = 'registry.example.org/team/app'

interface GateLine {
  readonly name: string
  readonly verdict: string
  readonly violations?: readonly string[]
}

/**
 * Violations are seeded into a sound image, one at a time, each image built for it, and held against the policies that ship. Holds when
 * the sound image passes every gate that is asked, each of at least 40 seeds is refused by its own gate and by no other than it says,
 * and each gate refuses at least two.
 */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'casemate-seeds-'))
  try {
    const place = await openPlace(folder)
    const sound = await place.judge(
      { gate: '', what: 'nothing', asks: 'allow', seed: { config: { Labels: ALLOWED_LABELS } } },
      'sound',
    )
    const lines = [
      `sound image: ${sound.length === 0 ? 'refused by nothing' : sound.map(({ name }) => name).join(', ')}`,
      '',
    ]
    const caught = new Map<string, number>()
    let isRight = sound.length === 0
    for (const [number, seed] of GATE_SEEDS.entries()) {
      const refused = await place.judge(seed, `seed-${number}`)
      const own = refused.find(({ name }) => name === seed.gate)
      const strange = refused.filter(({ name }) => name !== seed.gate && !seed.also?.includes(name))
      if (own !== undefined) caught.set(seed.gate, (caught.get(seed.gate) ?? 0) + 1)
      isRight &&= own !== undefined && strange.length === 0
      const mark = own !== undefined && strange.length === 0 ? 'ok ' : 'NOT'
      const more = strange.map(({ name, violations = [] }) => `; also ${name}: ${violations[0]}`).join('')
      lines.push(
        `${mark} ${seed.gate.padEnd(28)} ${seed.what.padEnd(44)} ${own?.violations?.[0] ?? 'NOT CAUGHT'}${more}`,
      )
      console.error(lines.at(-1))
    }
    const { policies } = await readDefaultPolicies()
    const few = policies.filter(({ name }) => (caught.get(name) ?? 0) < 2).map(({ name }) => name)
    const total = [...caught.values()].reduce((sum, count) => sum + count, 0)
    lines.push(
      '',
      `${total} of ${GATE_SEEDS.length} caught; gates that caught fewer than two: ${few.join(', ') || 'none'}`,
    )
    return { holds: isRight && few.length === 0 && total >= 40, lines }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A folder with advisories, keys, an allow-list and the release before; `judge` gives the gates that refuse a seed. */
async function openPlace(folder: string) {
  const env = { XDG_CACHE_HOME: join(folder, 'cache'), COSIGN_PASSWORD: 'secret' }
  const casemate = (...args: readonly string[]) => runOrThrow([...CLI, ...args], { cwd: folder, env })
  for (const [name, text] of Object.entries(seedAdvisories())) {
    await writeFile(join(folder, name), text)
    await casemate('advisories', 'import', name)
  }
  for (const name of ['owner', 'stranger']) await casemate('keygen', name)
  await writeFile(join(folder, 'allow.yaml'), SEED_ALLOW_LIST)
  await writeSeeded(join(folder, 'before'), {})
  const judge = async (seed: GateSeed, name: string): Promise<readonly GateLine[]> => {
    const reference = `oci:./${name}:image`
    await mkdir(join(folder, name), { recursive: true })
    await writeSeeded(join(folder, name), seed.seed ?? {})
    if (seed.signedBy !== undefined)
      await casemate('sign', reference, '--key', `${seed.signedBy}.key`, '--signed-as', NAME)
    const gate = async (...args: readonly string[]): Promise<{ gates: readonly GateLine[]; digest: string }> => {
      const options = ['--platform', 'linux/amd64', '--evidence', 'advisories', '--json', ...args]
      const { stdout, stderr } = await runProgram([...CLI, 'gate', reference, ...options], { cwd: folder, env })
      if (stdout === '') throw new Error(`cannot gate ${seed.gate}, ${seed.what}: ${stderr}`)
      return JSON.parse(stdout)
    }
    const results = Object.entries(seed.tests ?? { starts: 'passed' }).map(([test, verdict]) => ({
      name: test,
      verdict,
    }))
    const { digest } = seed.asks === 'key' ? { digest: '' } : await gate('--policy', await onlyUser(folder))
    const report = { schema: 'casemate.test-report/v1', manifest: digest, results }
    await writeFile(join(folder, `${name}.json`), JSON.stringify(report))
    const asked = {
      previous: ['--previous', 'oci:./before:image'],
      allow: ['--allow', 'allow.yaml'],
      key: ['--key', 'owner.pub', '--signed-as', NAME],
      tests: [],
    }[seed.asks ?? 'tests']
    const { gates } = await gate(...asked, ...(seed.asks === 'key' ? [] : ['--tests', `${name}.json`]))
    return gates.filter(({ verdict }) => verdict === 'refused')
  }
  return { judge }
}

/** Something that is quickly judged: the digest of the image is wanted, for the report of its tests. */
async function onlyUser(folder: string): Promise<string> {
  const path = join(folder, 'user.yaml')
  await writeFile(path, 'policies:\n  - { name: user, expression: "true", reason: a, remedy: b }\n')
  return path
}
