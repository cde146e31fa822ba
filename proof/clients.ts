import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { installDebianPackages } from '../test/debian-packages.ts'
import { type Ended, runOrThrow, runProgram } from './parts/command.ts'
import { LIMITS, podman, pullImage } from './parts/podman.ts'

const CLI = [process.execPath, '--conditions=source', join(import.meta.dirname, '../src/cli/main.ts')]

/** A server image, how it is run, and what a real client of this machine asks it. */
interface Served {
  readonly image: string
  readonly port: string
  readonly options?: readonly string[]
  readonly args?: readonly string[]
  /** A line of sh; `$PORT` is the published port, `$FOLDER` a scratch folder. */
  readonly client: string
  readonly says: RegExp
}

const CLIENTS = [
  ...['curl', 'postgresql-client', 'mariadb-client', 'redis-tools', 'mosquitto-clients', 'bind9-dnsutils', 'openssl'],
  ...['skopeo', 'netcat-openbsd', 'chromium'],
]

/** TLS for nginx, by the certificate in the scratch folder. */
const TLS_CONFIGURATION = `server {
  listen 8443 ssl http2;
  ssl_certificate /tls/cert.pem;
  ssl_certificate_key /tls/key.pem;
  location / { root /usr/share/nginx/html; }
}
`

const SERVED: readonly Served[] = [
  { image: 'nginx', port: '8080', client: 'curl -fsS http://127.0.0.1:$PORT/', says: /Welcome to nginx/ },
  {
    image: 'nginx',
    port: '8443',
    options: ['--volume=$FOLDER/tls:/tls:ro', '--volume=$FOLDER/tls.conf:/etc/nginx/conf.d/tls.conf:ro'],
    client:
      'curl -fsS --http2 --tlsv1.3 --cacert $FOLDER/tls/cert.pem --resolve localhost:$PORT:127.0.0.1 -o /dev/null -w "%{http_version} %{ssl_verify_result} %{http_code}" https://localhost:$PORT/',
    says: /^2 0 200$/,
  },
  {
    image: 'nginx',
    port: '8080',
    client:
      'chromium --headless --no-sandbox --disable-gpu --disable-background-networking --user-data-dir=$FOLDER/profile --dump-dom http://127.0.0.1:$PORT/ 2> /dev/null',
    says: /<h1>Welcome to nginx!<\/h1>/,
  },
  {
    image: 'httpd',
    port: '8080',
    client: 'curl -fsS -o /dev/null -w "%{http_code}" http://127.0.0.1:$PORT/',
    says: /^200$/,
  },
  {
    image: 'postgres',
    port: '5432',
    options: ['--env=POSTGRES_PASSWORD=word', '--volume=/var/lib/postgresql/data'],
    client: 'PGPASSWORD=word psql -h 127.0.0.1 -p $PORT -U postgres -Atc "select 6 * 7, version()"',
    says: /^42\|PostgreSQL 17\./,
  },
  {
    image: 'mariadb',
    port: '3306',
    options: ['--env=MARIADB_ROOT_PASSWORD=word', '--volume=/var/lib/mysql'],
    client: 'mariadb -h 127.0.0.1 -P $PORT -u root -pword -BNe "select 6 * 7, version()"',
    says: /^42\t11\.8\./,
  },
  {
    image: 'redis',
    port: '6379',
    options: ['--volume=/data'],
    args: ['--protected-mode', 'no'],
    client: 'redis-cli -p $PORT set key word && redis-cli -p $PORT get key',
    says: /^OK\nword$/,
  },
  {
    image: 'valkey',
    port: '6379',
    options: ['--volume=/data'],
    args: ['--protected-mode', 'no'],
    client: 'redis-cli -p $PORT set key word && redis-cli -p $PORT get key',
    says: /^OK\nword$/,
  },
  {
    image: 'memcached',
    port: '11211',
    client: String.raw`printf 'set key 0 60 4\r\nword\r\nget key\r\nquit\r\n' | nc -N 127.0.0.1 $PORT`,
    says: /STORED\r\nVALUE key 0 4\r\nword/,
  },
  {
    image: 'mosquitto',
    port: '1883',
    // As the official image, it listens on loopback only until a configuration says otherwise.
    options: ['--volume=$FOLDER/mosquitto.conf:/mosquitto/config/mosquitto.conf:ro'],
    client:
      'mosquitto_sub -h 127.0.0.1 -p $PORT -t topic -C 1 -W 10 & sleep 1; mosquitto_pub -h 127.0.0.1 -p $PORT -t topic -m word; wait',
    says: /^word$/,
  },
  {
    image: 'registry',
    port: '5000',
    options: ['--volume=/var/lib/registry'],
    client:
      'skopeo copy --quiet --dest-tls-verify=false oci:$FOLDER/layout:image docker://127.0.0.1:$PORT/team/app:1 && curl -fsS http://127.0.0.1:$PORT/v2/team/app/tags/list',
    says: /"tags":\["1"\]/,
  },
  {
    image: 'prometheus',
    port: '9090',
    client: 'curl -fsS "http://127.0.0.1:$PORT/api/v1/query?query=6*7"',
    says: /"resultType":"scalar".*"42"/,
  },
  {
    image: 'node-exporter',
    port: '9100',
    client: 'curl -fsS http://127.0.0.1:$PORT/metrics',
    says: /node_cpu_seconds_total/,
  },
  {
    image: 'etcd',
    port: '2379',
    options: ['--volume=/var/lib/etcd'],
    client: 'curl -fsS http://127.0.0.1:$PORT/version',
    says: /"etcdserver":"3\.5/,
  },
  {
    image: 'nats',
    port: '4222',
    client: String.raw`printf 'CONNECT {}\r\nSUB word 1\r\nPUB word 2\r\nhi\r\nPING\r\n' | nc -q 1 127.0.0.1 $PORT`,
    says: /MSG word 1 2\r\nhi\r\n/,
  },
]

const TOOLS: readonly { readonly image: string; readonly args: readonly string[]; readonly says: RegExp }[] = [
  { image: 'kubectl', args: ['version', '--client'], says: /Client Version: v1\.3\d/ },
  { image: 'curl', args: ['--version'], says: /^curl 8\./ },
  { image: 'skopeo', args: ['--version'], says: /^skopeo version 1\./ },
  { image: 'git', args: ['--version'], says: /^git version 2\./ },
]

/**
 * Server images under podman on a read-only root, without capabilities, behind a published port, each asked by a real
 * client of this machine; and tools that say their version. Holds when every answer is right. Arguments are names of images;
 * all unless given. Installs the clients. Needs root.
 */
export async function run(only: readonly string[] = []): Promise<{ holds: boolean; lines: string[] }> {
  installDebianPackages(CLIENTS)
  // podman makes an image's name of a layout's path, and names are lower case.
  const folder = join(tmpdir(), `casemate-clients-${process.pid}`)
  await mkdir(folder)
  const lines: string[] = []
  let holds = true
  try {
    await prepare(folder)
    for (const one of [...SERVED, ...TOOLS].filter(({ image }) => only.length === 0 || only.includes(image))) {
      const { good, line } = await ('client' in one ? serve(one, folder) : use(one, folder))
      holds &&= good
      lines.push(`${good ? 'ok ' : 'NOT'} ${one.image.padEnd(14)} ${line}`)
      console.error(lines.at(-1))
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return { holds: holds && lines.length > 0, lines }
}

/** A certificate for nginx, and an image for the registry. */
async function prepare(folder: string): Promise<void> {
  await runOrThrow(['mkdir', join(folder, 'tls')])
  await runOrThrow([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-keyout', join(folder, 'tls/key.pem'), '-out', join(folder, 'tls/cert.pem'), '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost'],
  ])
  // Whoever runs the image is another user than who made the key.
  await runOrThrow(['chmod', '-R', 'a+rX', folder])
  await writeFile(join(folder, 'tls.conf'), TLS_CONFIGURATION)
  await writeFile(join(folder, 'mosquitto.conf'), 'listener 1883\nallow_anonymous true\n')
  await build('static', `oci:${folder}/layout:image`)
}

async function build(image: string, reference: string): Promise<void> {
  await runOrThrow([...CLI, 'build', image, '--platform', 'linux/amd64', '-o', reference, '--json'])
}

async function serve({ image, port, options = [], args = [], client, says }: Served, folder: string) {
  await build(image, `oci:${folder}/layout:${image}`)
  const id = await pullImage(`oci:${folder}/layout:${image}`)
  const isolation = ['--read-only', '--read-only-tmpfs=false', '--tmpfs=/tmp', '--tmpfs=/run', '--cap-drop=ALL']
  const own = options.map((option) => option.replaceAll('$FOLDER', folder))
  const wanted = [...LIMITS, ...isolation, ...own, `--publish=127.0.0.1::${port}`]
  const container = (await podman(['run', '--detach', ...wanted, id, ...args])).trim()
  try {
    const published = (await podman(['port', container, `${port}/tcp`])).trim().split(':').at(-1) ?? ''
    const answer = await ask(client, says, { PORT: published, FOLDER: folder })
    const started = performance.now()
    await podman(['stop', '--time', '20', container])
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const status = (await podman(['inspect', '--format', '{{.State.ExitCode}}', container])).trim()
    const isGraceful = Number(seconds) < 15
    const shown = answer.stdout.trim().split('\n').at(-1)?.trim().slice(0, 60) ?? ''
    const log = says.test(answer.stdout) ? '' : ` ${answer.stderr.trim()} ${await logs(container)}`
    const line = `${client.split(' ')[0]?.replace('PGPASSWORD=word', 'psql')} says ${shown}; stops in ${seconds} s with ${status}${log}`
    return { good: says.test(answer.stdout) && isGraceful, line }
  } finally {
    await podman(['rm', '--force', '--volumes', container])
    await podman(['rmi', '--force', id])
  }
}

/** Asks until the answer is right or half a minute has gone. */
async function ask(client: string, says: RegExp, env: NodeJS.ProcessEnv): Promise<Ended> {
  for (let tries = 1; ; tries++) {
    const answer = await runProgram(['sh', '-c', client], { env })
    const ended = { ...answer, stdout: answer.stdout.trimEnd() }
    if (says.test(ended.stdout) || tries === 60) return ended
    await delay(500)
  }
}

async function logs(container: string): Promise<string> {
  const { stdout, stderr } = await runProgram(['podman', '--runtime=runc', 'logs', container])
  return `${stdout}${stderr}`.slice(-1500)
}

async function use({ image, args, says }: (typeof TOOLS)[number], folder: string) {
  await build(image, `oci:${folder}/layout:${image}`)
  const id = await pullImage(`oci:${folder}/layout:${image}`)
  try {
    const options = ['--rm', '--read-only', '--cap-drop=ALL', '--network=none', ...LIMITS]
    const said = (await podman(['run', ...options, id, ...args])).trim()
    return { good: says.test(said), line: said.split('\n')[0] ?? '' }
  } finally {
    await podman(['rmi', '--force', id])
  }
}
