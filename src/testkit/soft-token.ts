import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where Debian's softhsm2 has it. */
const MODULE = '/usr/lib/softhsm/libsofthsm2.so'

/** A token of SoftHSM in a folder of its own. */
export interface SoftToken {
  readonly label: string
  readonly module: string
  readonly pin: string
  /** A file with the PIN. */
  readonly pinFile: string
  /** What a process needs to find the token. */
  readonly environment: { readonly SOFTHSM2_CONF: string }
  /** Makes a key pair that never leaves the token, e.g. of the kind `EC:prime256v1`. */
  createKey(label: string, options: { id: string; kind?: string }): void
  /** Names a key, with what is needed to use it. */
  uriOf(label: string): string
}

/** Makes a token; it is gone with the test. */
export function softToken(t: { after(end: () => unknown): void }, label = 'the team'): SoftToken {
  const folder = mkdtempSync(join(tmpdir(), 'casemate-token-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'tokens'))
  const environment = { SOFTHSM2_CONF: join(folder, 'softhsm2.conf') }
  writeFileSync(environment.SOFTHSM2_CONF, `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\n`)
  const [pin, pinFile] = ['271828', join(folder, 'pin')]
  writeFileSync(pinFile, `${pin}\n`, { mode: 0o600 })
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(program, args, { env: { ...process.env, ...environment, PIN: pin }, stdio: 'pipe' })
  run('softhsm2-util', '--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', '314159')
  return {
    ...{ label, module: MODULE, pin, pinFile, environment },
    createKey(name, { id, kind = 'EC:prime256v1' }) {
      const place = ['--module', MODULE, '--token-label', label, '--login', '--pin', 'env:PIN']
      run('pkcs11-tool', ...place, '--keypairgen', '--key-type', kind, '--label', name, '--id', id)
    },
    uriOf: (name) =>
      `pkcs11:token=${encodeURIComponent(label)};object=${encodeURIComponent(name)}?module-path=${MODULE}&pin-source=file:${pinFile}`,
  }
}
