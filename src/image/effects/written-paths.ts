/**
 * Which effect writes a path, for who has an image and not its build. An effect that writes wherever a package or the
 * definition asks for it cannot be told by a path and is not here; a proof holds the rows against the catalogue's builds.
 */
const WRITTEN: readonly (readonly [effect: string, paths: RegExp])[] = [
  ['merged-usr', /^\/(?:bin|sbin|lib|lib32|lib64|libo32|libx32)$/],
  [
    'base-directories',
    /^\/(?:etc\/(?:profile|motd|dpkg\/origins\/default)|root\/\.(?:profile|bashrc)|usr\/local\/man|var\/(?:lock|run|spool\/mail))$/,
  ],
  ['accounts', /^\/etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)$/],
  ['name-service', /^\/etc\/nsswitch\.conf$/],
  ['time-zone', /^\/etc\/(?:localtime|timezone)$/],
  ['openssl-links', /^\/usr\/lib\/ssl\/(?:cert\.pem|certs|openssl\.cnf|private)$/],
  ['java-keystore', /^\/etc\/ssl\/certs\/java\/cacerts$/],
  [
    'ca-bundle',
    /^\/etc\/(?:ca-certificates\.conf|ssl\/certs\/[^/]+\.(?:crt|pem|[0-9]+))$|^\/usr\/local\/share\/ca-certificates\//,
  ],
  ['shells', /^\/(?:etc\/shells|var\/lib\/shells\.state)$/],
  ['pam-profiles', /^\/etc\/pam\.d\/common-[a-z-]+$|^\/var\/lib\/pam\//],
  ['configuration-files', /^\/var\/lib\/ucf\//],
  ['php-modules', /^\/etc\/php\/[^/]+\/[^/]+\/conf\.d\/|^\/var\/lib\/php\/modules\//],
  ['font-configuration', /^\/etc\/fonts\/conf\.d\//],
  ['alternatives', /^\/(?:etc|var\/lib\/dpkg)\/alternatives\//],
  ['java-home', /^\/usr\/lib\/jvm\/default-jvm$/],
  ['statoverrides', /^\/var\/lib\/dpkg\/statoverride$/],
  ['dpkg-state', /^\/var\/lib\/dpkg\/(?:diversions$|info\/|triggers\/)/],
]

/** The name of the effect that writes a path; `target` is a link's. `undefined` where the path alone does not tell. */
export function effectOfPath(path: string, target = ''): string | undefined {
  if (target.startsWith('/etc/alternatives/')) return 'alternatives'
  return WRITTEN.find(([, paths]) => paths.test(path))?.[0]
}
