import { existsSync } from 'node:fs'
import { runOrThrow } from './command.ts'

/** The mirrors that this machine's own apt uses for Debian, whatever its release. */
export async function hostMirrors(): Promise<{ readonly debian: string; readonly security: string }> {
  const uris = await runOrThrow(['apt-get', '-q', '--print-uris', 'update'])
  const found = (kind: string) => {
    const uri = new RegExp(`'([^']+/${kind})/dists/`).exec(uris)?.[1]
    if (uri === undefined) throw new Error(`cannot reach Debian: apt's sources name no mirror that ends in /${kind}`)
    return uri
  }
  return { debian: found('debian'), security: found('debian-security') }
}

/** An image's apt sources with its public mirrors replaced by those of this machine. */
export async function throughHostMirrors(sources: string): Promise<string> {
  const { debian, security } = await hostMirrors()
  return sources
    .replaceAll(/^URIs: \S+\/debian-security$/gm, `URIs: ${security}`)
    .replaceAll(/^URIs: \S+\/debian$/gm, `URIs: ${debian}`)
}

/** What podman is told so that pip in a container reaches the index as this machine's own does. */
export function pipOptions(): readonly string[] {
  const settings = Object.entries(process.env).filter(([name]) => /^PIP_(?!FIND_LINKS|CERT)/.test(name))
  const bundle = process.env['PIP_CERT'] ?? '/etc/ssl/certs/ca-certificates.crt'
  return [
    ...settings.map(([name, value]) => `--env=${name}=${value}`),
    '--env=PIP_CERT=/host/ca-certificates.crt',
    `--volume=${bundle}:/host/ca-certificates.crt:ro`,
    ...(existsSync('/etc/pip.conf') ? ['--volume=/etc/pip.conf:/etc/pip.conf:ro'] : []),
  ]
}
