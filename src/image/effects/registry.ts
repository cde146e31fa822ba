import { derivedEffects } from '../derived/registry.ts'
import { accounts } from './accounts.ts'
import { alternatives } from './alternatives.ts'
import { baseDirectories } from './base-directories.ts'
import { caBundle } from './ca-bundle.ts'
import { caSources } from './ca-sources.ts'
import { configurationFiles } from './configuration-files.ts'
import { dpkgState } from './dpkg-state.ts'
import type { Effect } from './effect.ts'
import { fontConfiguration } from './font-configuration.ts'
import { homeDirectories } from './home-directories.ts'
import { javaHome } from './java-home.ts'
import { javaKeystore } from './java-keystore.ts'
import { mergedUsr } from './merged-usr.ts'
import { nameService } from './name-service.ts'
import { opensslLinks } from './openssl-links.ts'
import { pamProfiles } from './pam-profiles.ts'
import { phpModules } from './php-modules.ts'
import { scriptPaths } from './script-paths.ts'
import { shells } from './shells.ts'
import { statoverrides } from './statoverrides.ts'
import { timeZone } from './time-zone.ts'
import { tmpfiles } from './tmpfiles.ts'

/** Every effect, in the order in which they are applied. */
export const effects: readonly Effect[] = [
  mergedUsr,
  baseDirectories,
  accounts,
  homeDirectories,
  nameService,
  timeZone,
  opensslLinks,
  caBundle,
  javaKeystore,
  shells,
  pamProfiles,
  configurationFiles,
  scriptPaths,
  phpModules,
  fontConfiguration,
  alternatives,
  javaHome,
  tmpfiles,
  statoverrides,
  dpkgState,
  caSources,
]

/** The effects with one sentence each, in order, for `docs/effects.md`. */
export function effectSummaries(): readonly { readonly name: string; readonly summary: string }[] {
  return [...effects, ...derivedEffects].map(({ name, summary }) => ({ name, summary }))
}
