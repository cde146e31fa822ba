import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from './command.ts'

/** What a build is lent so that it reaches the registries as this machine does: certificates and settings, no addresses. */
export function trust(): readonly string[] {
  const bundle = '/etc/ssl/certs/ca-certificates.crt'
  const keystore = '/etc/ssl/certs/java/cacerts'
  const settings = Object.entries(process.env).filter(([name]) => /^PIP_(?!FIND_LINKS|CERT)|_PROXY$/i.test(name))
  return [
    `--volume=${bundle}:${bundle}:ro`,
    ...(existsSync(keystore) ? [`--volume=${keystore}:${keystore}:ro`] : []),
    ...(existsSync('/etc/pip.conf') ? ['--volume=/etc/pip.conf:/etc/pip.conf:ro'] : []),
    ...settings.map(([name, value]) => `--env=${name}=${value}`),
    `--env=NODE_EXTRA_CA_CERTS=${bundle}`,
  ]
}

/** npm reads its settings beside the project; the machine's own are lent where it has some. */
export async function reachRegistries(name: string, context: string): Promise<void> {
  if (name !== 'node') return
  const registry = (await runOrThrow(['npm', 'config', 'get', 'registry'])).trim()
  await writeFile(join(context, '.npmrc'), `registry=${registry}\nignore-scripts=true\n`)
}
