/**
 * Runs the tests of the project: installs the Debian packages and tools that give second opinions, then the tests themselves
 * with a random SOURCE_DATE_EPOCH, time zone and umask, which must not matter to any result. Those named `*.slow.test.ts` take
 * ten seconds and more a file: they are CI's, and run by `--slow`. Other arguments are passed on as files to run instead.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { globSync } from 'node:fs'
import { cpus } from 'node:os'
import { installDebianTools } from '#testkit'
import { installDebianPackages } from './debian-packages.ts'

const zones = ['UTC', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia']

installDebianPackages()
await installDebianTools()
const isSlow = (file: string) => file.endsWith('.slow.test.ts')
const [first, ...rest] = process.argv.slice(2)
const files =
  first === undefined || first === '--slow'
    ? globSync(['src/**/*.test.ts', 'test/**/*.test.ts']).filter((file) => isSlow(file) === (first === '--slow'))
    : [first, ...rest]
const environment = {
  ...process.env,
  SOURCE_DATE_EPOCH: String(randomInt(2 ** 31)),
  TZ: zones[randomInt(zones.length)],
}
process.umask(randomInt(2) === 0 ? 0o022 : 0o077)
console.log(
  `SOURCE_DATE_EPOCH=${environment.SOURCE_DATE_EPOCH} TZ=${environment.TZ} umask=${process.umask().toString(8)}`,
)
const run = spawnSync(
  process.execPath,
  ['--conditions=source', '--test', `--test-concurrency=${cpus().length}`, '--test-timeout=180000', ...files],
  { stdio: 'inherit', env: environment },
)
process.exit(run.status ?? 1)
