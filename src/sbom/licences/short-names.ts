/** SPDX ids that a short name means when it is the id itself, whatever its case. */
const OWN_NAMES = `
0BSD AFL-2.0 AFL-2.1 AFL-3.0 Apache-1.0 Apache-1.1 Apache-2.0 APSL-2.0 Artistic-1.0-Perl Artistic-1.0-cl8 Artistic-2.0 Beerware
BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Attribution BSD-3-Clause-Clear
BSD-3-Clause-LBNL BSD-4-Clause BSD-4-Clause-UC BSL-1.0 bzip2-1.0.6 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-2.0 CC-BY-SA-2.5
CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CECILL-2.1 CPL-1.0 curl EPL-1.0 EPL-2.0 EUPL-1.2 FSFAP FSFUL FSFULLR FSFULLRWD
FTL HPND HPND-sell-variant ICU IJG ISC JSON Latex2e LPPL-1.3c MIT-0 MIT-CMU MIT-Modern-Variant MIT-open-group MPL-1.0 MPL-1.1
MPL-2.0 MS-PL NAIST-2003 NCSA NIST-PD NTP OFL-1.0 OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 QPL-1.0
RSA-MD Ruby Sleepycat SMLNJ Spencer-86 SunPro Unicode-3.0 Unicode-DFS-2015 Unicode-DFS-2016 Unlicense UPL-1.0 W3C WTFPL X11 Xnet
Zend-2.0 Zlib ZPL-2.0 ZPL-2.1
`

/** Names of copyright-format 1.0 and of common use that mean exactly one SPDX licence. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'apache-2': 'Apache-2.0',
  'boost-1.0': 'BSL-1.0',
  'bsd-1': 'BSD-1-Clause',
  'bsd-2': 'BSD-2-Clause',
  'bsd-2-clauses': 'BSD-2-Clause',
  'bsd-3': 'BSD-3-Clause',
  bsd3: 'BSD-3-Clause',
  'bsd-3-clauses': 'BSD-3-Clause',
  'bsd-4': 'BSD-4-Clause',
  cc0: 'CC0-1.0',
  'cddl-1': 'CDDL-1.0',
  'edl-1': 'BSD-3-Clause',
  'edl-1.0': 'BSD-3-Clause',
  expat: 'MIT',
  'mpl-2': 'MPL-2.0',
  'openldap-2.8': 'OLDAP-2.8',
  psf: 'PSF-2.0',
  'psf-2': 'PSF-2.0',
  'zlib/libpng': 'Zlib',
}

const names = new Map<string, string>([
  ...OWN_NAMES.trim()
    .split(/\s+/)
    .map((id): [string, string] => [id.toLowerCase(), id]),
  ...Object.entries(OTHER_NAMES),
])

const GNU_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  GPL: ['1.0', '2.0', '3.0'],
  LGPL: ['2.0', '2.1', '3.0'],
  AGPL: ['1.0', '3.0'],
  GFDL: ['1.1', '1.2', '1.3'],
}

const gnuIds = [...Object.entries(GNU_VERSIONS), ['GFDL-NIV', GNU_VERSIONS['GFDL'] ?? []] as const].flatMap(
  ([family, versions]) =>
    versions.flatMap((version) => [true, false].flatMap((isOrLater) => gnuId(family, version, isOrLater) ?? [])),
)

/** The licence that a short name means by itself, or `undefined` where only the text can tell: `BSD`, `MIT`, `Artistic`. */
export function spdxIdOf(name: string): string | undefined {
  const plain = name.replace(/ licen[sc]e$/i, '').toLowerCase()
  return names.get(plain) ?? gnuIdOf(plain) ?? gnuIds.find((id) => id.toLowerCase() === plain)
}

/** The id of a GNU licence in a version; `undefined` where there is no such version. */
export function gnuId(family: string, version: string, isOrLater: boolean): string | undefined {
  const [base = family, infix = ''] = family === 'GFDL-NIV' ? ['GFDL', '-no-invariants'] : [family]
  const full = version.includes('.') ? version : `${version}.0`
  if (GNU_VERSIONS[base]?.includes(full) !== true) return undefined
  return `${base}-${full}${infix}-${isOrLater ? 'or-later' : 'only'}`
}

/** Every id that `spdxIdOf` can give, for who checks them against SPDX's list. */
export function knownSpdxIds(): readonly string[] {
  return [...new Set([...names.values(), ...gnuIds])].sort()
}

function gnuIdOf(name: string): string | undefined {
  const match = /^(gpl|lgpl|agpl|gfdl|gfdl-niv)-?v?(\d(?:\.\d){0,2})(\+|-or-later|-only)?$/.exec(name)
  if (match === null) return undefined
  const [, family = '', version = '', tail = ''] = match
  return gnuId(family.toUpperCase(), version.replace(/^(\d\.\d)\.0$/, '$1'), tail === '+' || tail === '-or-later')
}
