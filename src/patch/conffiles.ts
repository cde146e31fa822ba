import { createHash } from 'node:crypto'

/** What dpkg's database says of the configuration files of a package: the MD5 of each as it was shipped. */
export type ConffileSums = ReadonlyMap<string, string>

/** Reads the field `Conffiles` of a package's paragraph in `status`; obsolete ones among them. */
export function conffileSums(field: string | undefined): ConffileSums {
  return new Map(
    (field ?? '').split('\n').flatMap((line): [string, string][] => {
      const [, path, sum] = /^ ?(\/\S.*) ([0-9a-f]{32})(?: \S+)*$/.exec(line) ?? []
      return path === undefined || sum === undefined ? [] : [[path, sum]]
    }),
  )
}

/** Reads a package's control file `conffiles` (deb-conffiles(5)); those to be removed on upgrade are not among them. */
export function conffilesOf(file: Uint8Array | undefined): readonly string[] {
  const lines = Buffer.from(file ?? '')
    .toString('utf8')
    .split('\n')
  return lines.map((line) => line.trim()).filter((line) => line.startsWith('/'))
}

/** What becomes of a configuration file: the package's own is put there, or what is there stays, the package's own beside it or not. */
export type ConffileVerdict = 'put' | 'keep' | 'keep-beside'

/**
 * Decides as dpkg does where nobody is asked and what was changed stays (dpkg(1), --force-confold): `here` is what the image
 * has, `before` what the older package shipped, `now` what the newer one ships, all as MD5.
 */
export function judgeConffile(here: string | undefined, before: string | undefined, now: string): ConffileVerdict {
  if (here === now || before === now) return 'keep'
  if (here === undefined && before === undefined) return 'put'
  return here === before ? 'put' : 'keep-beside'
}

export function md5Of(content: Uint8Array): string {
  return createHash('md5').update(content).digest('hex')
}
