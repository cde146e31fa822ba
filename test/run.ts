/**
 * Runs every test of the project: installs the Debian packages and tools that give second opinions, then the tests themselves
 * with a random SOURCE_DATE_EPOCH, time zone and umask, which must not matter to any result. Arguments are passed on as
 * files to run instead of all.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { cpus } from 'node:os'
import { installDebianTools } from '#testkit'
import { installDebianPackages } from './debian-packages.ts'

const zones = ['UTC', 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia']

installDebianPackages()
await installDebianTools()
const files = process.argv.slice(2)
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
  [
    '--conditions=source',
    '--test',
    `--test-concurrency=${cpus().length}`,
    '--test-timeout=180000',
    ...(files.length > 0 ? files : ['src/**/*.test.ts', 'test/**/*.test.ts']),
  ],
  { stdio: 'inherit', env: environment },
)
process.exit(run.status ?? 1)
