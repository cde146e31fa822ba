/**
 * Runs a named proof of something an issue must show and keeps its dated output: `npm run proof -- NAME [arguments]`.
 * A proof is `proof/NAME.ts` with an export `run`. Without a name it lists the proofs.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

/** What a proof found; `lines` are the evidence, whether it holds or not. */
export interface ProofResult {
  readonly holds: boolean
  readonly lines: readonly string[]
}

type Proof = (args: readonly string[]) => Promise<ProofResult>

const folder = import.meta.dirname

function proofNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

async function loadProof(name: string): Promise<Proof> {
  const module: object = await import(`./${name}.ts`)
  if (!('run' in module) || !isProof(module.run)) throw new Error(`cannot run proof ${name}: it exports no run()`)
  return module.run
}

/** Its result is checked when it is there. */
function isProof(value: unknown): value is Proof {
  return typeof value === 'function'
}

async function runProof(name: string, args: readonly string[]): Promise<boolean> {
  const run = await loadProof(name)
  const start = performance.now()
  const { holds, lines } = await run(args)
  const [processor] = cpus()
  const report = [
    `proof ${[name, ...args].join(' ')}`,
    `on ${new Date().toISOString()}, in ${((performance.now() - start) / 1000).toFixed(1)} s`,
    `Node ${process.version}, ${process.platform} ${release()} ${process.arch}, ${cpus().length} × ${processor?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    '',
    ...lines,
    '',
    holds === true ? 'holds' : 'DOES NOT HOLD',
  ]
  console.log(report.join('\n'))
  mkdirSync(join(folder, 'results'), { recursive: true })
  writeFileSync(join(folder, 'results', `${name}.txt`), `${report.join('\n')}\n`)
  return holds === true
}

const [name, ...args] = process.argv.slice(2)
if (name === undefined) {
  console.log(['usage: npm run proof -- NAME [arguments]', '', ...proofNames()].join('\n'))
} else if (proofNames().includes(name)) {
  process.exitCode = (await runProof(name, args)) ? 0 : 1
} else {
  console.error(`cannot run proof ${name}: there are ${proofNames().join(', ') || 'none'}`)
  process.exitCode = 2
}
