import { spawnSync } from 'node:child_process'

/** The Debian packages that the tests need as second opinions and as real runtimes; none of them is needed to build images. */
export const debianPackages: readonly string[] = [
  'apt',
  'apt-utils',
  'binutils',
  'bubblewrap',
  'busybox-static',
  'chromium',
  'docker-registry',
  'dpkg',
  'fish',
  'git',
  'gpg',
  'gpg-agent',
  'gpgconf',
  'gpgv',
  'opensc',
  'openssl',
  'libxml2-utils',
  'patchelf',
  'podman',
  'postgresql',
  'python3',
  'python3-feedparser',
  'qemu-user-static',
  'runc',
  'skopeo',
  'softhsm2',
  'strace',
  'umoci',
  'xz-utils',
  'zsh',
  'zstd',
]

/**
 * Installs what is missing of the tests' Debian packages, and ends the process with a line that says what to do where
 * that cannot be done: a second opinion that is not there is a failure, never a skipped test.
 */
export function installDebianPackages(names: readonly string[] = debianPackages): void {
  const missing = names.filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  console.log(`installing ${missing.join(' ')}`)
  const elevate = process.getuid?.() === 0 ? [] : ['sudo', '--non-interactive']
  for (const command of [
    ['apt-get', '--quiet', '--quiet', 'update'],
    ['apt-get', '--quiet', '--quiet', '--yes', '--no-install-recommends', 'install', ...missing],
  ]) {
    const [program = '', ...args] = [...elevate, ...command]
    const run = spawnSync(program, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (run.status !== 0) {
      console.error(`cannot install the tests' Debian packages: run as root: apt-get install ${missing.join(' ')}`)
      process.exit(3)
    }
  }
}

function isInstalled(name: string): boolean {
  const query = spawnSync('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name], { encoding: 'utf8' })
  return query.stdout === 'installed'
}
