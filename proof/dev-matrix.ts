import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDefinition } from '#image'
import { catalogueImages } from './parts/catalogue.ts'
import { runOrThrow, runProgram } from './parts/command.ts'
import { pipOptions, throughHostMirrors } from './parts/host-network.ts'
import { LIMITS, podman, pullImage } from './parts/podman.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]
/** Containers at a time. */
const LANES = 3
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

/** Something that is typed in a running container, as bash reads it, and must succeed. */
interface Step {
  readonly what: string
  readonly line: string
}

const STEPS: readonly Step[] = [
  {
    what: 'the bundle is the one that update-ca-certificates makes',
    line: `cp ${BUNDLE} /tmp/bundle; update-ca-certificates --fresh; cmp ${BUNDLE} /tmp/bundle`,
  },
  { what: 'apt-get update', line: 'apt-get -o APT::Update::Error-Mode=any update' },
  {
    what: 'apt-get install',
    line: 'apt-get install -y jq git openssh-client locales postgresql-client php8.4-cli openjdk-21-jre-headless',
  },
  {
    what: 'what was installed works',
    line: `test "$(jq -n 6*7)" = 42; git init -q /tmp/repository; ssh -V; psql --version; php -r 'exit(ctype_alpha("a") ? 0 : 1);'
      localedef -i de_DE -f UTF-8 de_DE.UTF-8; test "$(LC_ALL=de_DE.UTF-8 locale decimal_point)" = ,
      java -version; test "$(keytool -list -cacerts -storepass changeit | grep -c trustedCertEntry)" -ge 140`,
  },
  {
    what: "a CA of one's own makes the bundle grow by one",
    line: `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/key.pem -days 30 \\
        -subj '/CN=A CA of our own' -out /usr/local/share/ca-certificates/own.crt
      update-ca-certificates
      test $(grep -c 'BEGIN CERT' ${BUNDLE}) = $(($(grep -c 'BEGIN CERT' /tmp/bundle) + 1))
      openssl verify -CAfile ${BUNDLE} /usr/local/share/ca-certificates/own.crt`,
  },
  { what: 'apt-get install --reinstall', line: 'apt-get install -y --reinstall libc-bin ca-certificates dash' },
  { what: 'dpkg --audit', line: 'test -z "$(dpkg --audit)"' },
  { what: 'apt-get check', line: 'apt-get check' },
  {
    what: 'apt-get upgrade has nothing to do',
    line: "apt-get upgrade -s | grep '^0 upgraded, 0 newly installed, 0 to remove'",
  },
]

const PIP_STEPS: readonly Step[] = [
  { what: 'pip install', line: 'pip install six && python -c "import six"' },
  {
    what: 'pip install compiles a wheel',
    line: 'pip install --no-binary markupsafe markupsafe && python -c "import markupsafe._speedups"',
  },
  { what: 'python -m pip install', line: 'python -m pip install idna && python3 -c "import idna"' },
  {
    what: 'pip lists what it installed',
    line: 'test "$(pip freeze | cut -d= -f1 | sort -f | tr "\\n" " ")" = "idna MarkupSafe six " || { pip freeze; false; }',
  },
  {
    what: 'pip installs a newer pip',
    line: 'pip install --upgrade pip && pip --version | grep /app/venv && pip check',
  },
  {
    what: 'python -m venv',
    line: 'python -m venv /tmp/own && /tmp/own/bin/pip install six && /tmp/own/bin/python -c "import six"',
  },
  { what: 'the virtual environment is handed on', line: 'cp -a /app/venv /shared/venv' },
]

/**
 * In each image with apt, in one running container: packages are installed and reinstalled, a CA of one's own is added,
 * and dpkg and apt find nothing amiss; in python's also what one does with pip, and what it installed runs on the
 * runtime image. Only the mirror is replaced, by that of this machine.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  const folder = join(tmpdir(), `casemate-dev-matrix-${process.pid}`)
  await mkdir(folder)
  const lines: string[] = []
  let holds = true
  const note = (good: boolean, line: string) => {
    holds &&= good
    lines.push(`${good ? 'ok ' : 'NOT'} ${line}`)
    console.error(lines.at(-1))
  }
  try {
    const queue = (await withApt(only)).values()
    const lane = async (number: number) => {
      const apt = join(folder, `apt-${number}`)
      for (const path of ['archives/partial', 'lists/partial']) await mkdir(join(apt, path), { recursive: true })
      for (const one of queue) {
        await judge(one, { folder, apt }, note).catch((error: unknown) =>
          note(false, `${one.name} ${one.variant}: ${error}`),
        )
      }
    }
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return { holds: holds && lines.length > 0, lines }
}

type Note = (good: boolean, line: string) => void

/** Images that hold apt, for this machine's platform. */
async function withApt(only: readonly string[]) {
  const found: { readonly name: string; readonly variant: string }[] = []
  for (const { name, variant, platform } of await catalogueImages(only)) {
    const { definition } = await openDefinition(name, { workingFolder: process.cwd() })
    const asked = definition.variants.get(variant)?.packages.some((request) => request.name === 'apt')
    if (platform === 'linux/amd64' && asked === true) found.push({ name, variant })
  }
  return found
}

async function judge(
  { name, variant }: { readonly name: string; readonly variant: string },
  { folder, apt }: { readonly folder: string; readonly apt: string },
  note: Note,
): Promise<void> {
  const image = await build(name, variant, folder)
  const shared = join(folder, name)
  await mkdir(shared)
  const sources = await podman(['run', '--rm', ...LIMITS, image, 'cat', '/etc/apt/sources.list.d/debian.sources'])
  await writeFile(join(shared, 'debian.sources'), await throughHostMirrors(sources))
  await writeFile(join(shared, 'unsafe-io'), 'force-unsafe-io\n')
  const mounts = [
    `--volume=${shared}:/shared`,
    `--volume=${shared}/debian.sources:/etc/apt/sources.list.d/debian.sources:ro`,
    // What one image downloaded the next need not, and nothing is synced to a disk that is thrown away.
    `--volume=${apt}/archives:/var/cache/apt/archives`,
    `--volume=${apt}/lists:/var/lib/apt/lists`,
    `--volume=${shared}/unsafe-io:/etc/dpkg/dpkg.cfg.d/unsafe-io:ro`,
  ]
  const options = [...LIMITS, '--network=host', '--env=DEBIAN_FRONTEND=noninteractive', ...mounts]
  const isPython = name === 'python'
  const start = ['run', '--detach', '--rm', '--init=false', ...options, ...(isPython ? pipOptions() : [])]
  const container = (await podman([...start, image, 'sleep', 'infinity'])).trim()
  try {
    for (const { what, line } of isPython ? [...STEPS, ...PIP_STEPS] : STEPS) {
      const began = performance.now()
      const command = ['podman', '--runtime=runc', 'exec', container, 'bash', '-eo', 'pipefail', '-c', line]
      const { status, stdout, stderr } = await runProgram(command)
      const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`
      const words = status === 0 ? '' : `\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`
      note(status === 0, `${`${name} ${variant}`.padEnd(20)} ${what}, ${seconds}${words}`)
    }
  } finally {
    await podman(['rm', '--force', '--time', '0', container])
  }
  if (isPython) await judgeRuntime(shared, folder, note)
  await podman(['rmi', '--force', image])
}

/** What pip installed in the build stage runs where it is copied to. */
async function judgeRuntime(shared: string, folder: string, note: Note): Promise<void> {
  const image = await build('python', 'runtime', folder)
  const program = 'import idna, markupsafe._speedups, six, sys; print(sys.prefix, six.__file__)'
  const options = ['--read-only', '--cap-drop=ALL', '--network=none', `--volume=${shared}/venv:/app/venv:ro`]
  const said = await podman(['run', '--rm', ...LIMITS, ...options, image, '-c', program])
  const want = '/app/venv /app/venv/lib/python3.13/site-packages/six.py'
  note(said.trim() === want, `python runtime takes over /app/venv: ${said.trim()}`)
  await podman(['rmi', '--force', image])
}

async function build(name: string, variant: string, folder: string): Promise<string> {
  const reference = `oci:${folder}/layout:${name}-${variant}`
  await runOrThrow([
    ...CLI,
    'build',
    name,
    '--variant',
    variant,
    '--platform',
    'linux/amd64',
    '-o',
    reference,
    '--json',
  ])
  return await pullImage(reference)
}
