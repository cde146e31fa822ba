import { existsSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A scanner that Casemate is timed against. */
export interface ScanPeer {
  readonly name: 'trivy' | 'grype' | 'syft'
  /** Whether it matches advisories, or only takes the inventory. */
  readonly does: 'scan' | 'inventory'
  readonly program: string
  readonly environment: NodeJS.ProcessEnv
  /** The command that reads an image of a layout: nothing is fetched, and no analysis of an earlier run is used. */
  command(layout: string): readonly string[]
}

/**
 * Where the peers and their databases are. `CASEMATE_PEERS` is the folder of the programs, or of folders with a `bin` of them,
 * the cache's `casemate-peers` unless set; `CASEMATE_TRIVY_CACHE` a cache folder of trivy with its database in `db`; `CASEMATE_GRYPE_CACHE` a cache
 * folder of grype's databases. Databases are to be of the same content as what is imported here.
 */
export interface PeerPlaces {
  readonly programs: string
  readonly trivyCache: string
  readonly grypeCache: string
}

/** Reads the places from the environment. */
export function peerPlaces({ env } = process): PeerPlaces {
  const cache = env['XDG_CACHE_HOME']?.startsWith('/') ? env['XDG_CACHE_HOME'] : join(homedir(), '.cache')
  const programs = env['CASEMATE_PEERS'] ?? join(cache, 'casemate-peers')
  return {
    programs,
    trivyCache: env['CASEMATE_TRIVY_CACHE'] ?? join(programs, 'trivy-cache'),
    grypeCache: env['CASEMATE_GRYPE_CACHE'] ?? join(programs, 'grype-cache'),
  }
}

/** The peers that are there, and of each other one what is missing. */
export function findPeers(places: PeerPlaces): { readonly peers: readonly ScanPeer[]; readonly missing: string[] } {
  const missing: string[] = []
  const peers = [trivy(places), grype(places), syft(places)].filter(({ needs, peer }) => {
    const absent = [peer.program, ...needs].filter((path) => !existsSync(path))
    if (absent.length > 0) missing.push(`${peer.name}: there is no ${absent.join(', no ')}`)
    return absent.length === 0
  })
  return { peers: peers.map(({ peer }) => peer), missing }
}

/** Where a program is: in the folder itself, or in `bin` of a folder in it, as installations by version have it. */
function programIn(folder: string, name: string): string {
  const installed = existsSync(folder) ? readdirSync(folder).sort().reverse() : []
  const places = [
    join(folder, name),
    join(folder, 'bin', name),
    ...installed.map((one) => join(folder, one, 'bin', name)),
  ]
  return places.find((place) => existsSync(place) && statSync(place).isFile()) ?? join(folder, name)
}

interface NeedyPeer {
  readonly peer: ScanPeer
  readonly needs: readonly string[]
}

/** Its analyses of layers are kept in memory: on disk the second run would find the first one's. */
function trivy({ programs, trivyCache }: PeerPlaces): NeedyPeer {
  const program = programIn(programs, 'trivy')
  const offline = ['--offline-scan', '--skip-db-update', '--skip-java-db-update', '--skip-version-check']
  const options = ['--quiet', '--scanners', 'vuln', '--cache-backend', 'memory', '--cache-dir', trivyCache]
  const skipped = ['jar', 'war', 'ear'].flatMap((ending) => ['--skip-files', `**/*.${ending}`])
  return {
    needs: [join(trivyCache, 'db', 'trivy.db')],
    peer: {
      name: 'trivy',
      does: 'scan',
      program,
      environment: {},
      // It does not go on at a Java archive without a database of their sums, which only its makers publish.
      command: (layout) => ['image', ...options, ...offline, ...skipped, '--format', 'json', '--input', layout],
    },
  }
}

function grype({ programs, grypeCache }: PeerPlaces): NeedyPeer {
  return {
    needs: [grypeCache],
    peer: {
      name: 'grype',
      does: 'scan',
      program: programIn(programs, 'grype'),
      environment: {
        GRYPE_DB_CACHE_DIR: grypeCache,
        GRYPE_DB_AUTO_UPDATE: 'false',
        GRYPE_DB_VALIDATE_AGE: 'false',
        GRYPE_CHECK_FOR_APP_UPDATE: 'false',
      },
      command: (layout) => ['--quiet', '-o', 'json', `oci-dir:${layout}`],
    },
  }
}

function syft({ programs }: PeerPlaces): NeedyPeer {
  return {
    needs: [],
    peer: {
      name: 'syft',
      does: 'inventory',
      program: programIn(programs, 'syft'),
      environment: { SYFT_CHECK_FOR_APP_UPDATE: 'false' },
      command: (layout) => ['scan', '--quiet', '-o', 'syft-json', `oci-dir:${layout}`],
    },
  }
}
