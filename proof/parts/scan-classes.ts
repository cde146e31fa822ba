/**
 * Classes of answers in which we, grype and trivy mean the same: `ISSUE: our word (whose record) | grype's | trivy's`. A fix that
 * is named is the same version. An issue whose fix is installed, or that does not affect the release, is nothing to scanners.
 */
export const AGREEMENTS: ReadonlySet<string> = new Set([
  'CVE: has-fix (export.json) | nothing | nothing',
  'CVE: has-fix (DSA-list) | nothing | nothing',
  'CVE: has-fix (DLA-list) | nothing | nothing',
  'DSA: has-fix (DSA-list) | nothing | nothing',
  'DLA: has-fix (DLA-list) | nothing | nothing',
  'CVE: not-affected (export.json) | nothing | nothing',
  'TEMP: not-affected (export.json) | nothing | nothing',
  'CVE: fixed (export.json) | fixed | fixed',
  'CVE: open (export.json) | not-fixed | affected',
  'CVE: ignored (export.json) | wont-fix | will_not_fix',
])

const ONLY_EXPORT =
  "grype goes by the tracker's export alone: announcements give it links. Where the export has no entry of the issue it finds nothing"
const OPEN_IN_EXPORT =
  "The export calls it open, an announcement that is newer than the export's day has the fix. We take the announcement, trivy always does, grype goes by the export alone"
const OLDER_ANNOUNCEMENT =
  'The export calls it open, and is newer than an announcement with a fix. We and grype take the newer word, which knows the announcement; trivy takes any announcement'
const ONLY_CVES =
  "grype's importer takes CVEs only; Debian's announcements without a CVE and its temporary names are left out"

/** Classes of answers in which they do not, each with the reason. */
export const DISAGREEMENTS: ReadonlyMap<string, string> = new Map([
  ['CVE: fixed (DSA-list) | nothing | fixed', ONLY_EXPORT],
  ['CVE: fixed (DLA-list) | nothing | fixed', `${ONLY_EXPORT}; and DLAs are not among them`],
  ['CVE: fixed (DSA-list) | not-fixed | fixed', OPEN_IN_EXPORT],
  ['CVE: fixed (DLA-list) | not-fixed | fixed', OPEN_IN_EXPORT],
  ['CVE: has-fix (DSA-list) | not-fixed | nothing', OPEN_IN_EXPORT],
  ['CVE: has-fix (DLA-list) | not-fixed | nothing', OPEN_IN_EXPORT],
  ['CVE: open (export.json) | not-fixed | fixed', OLDER_ANNOUNCEMENT],
  ['CVE: open (export.json) | not-fixed | nothing', OLDER_ANNOUNCEMENT],
  ['DSA: fixed (DSA-list) | nothing | fixed', ONLY_CVES],
  ['DLA: fixed (DLA-list) | nothing | fixed', ONLY_CVES],
  ['TEMP: open (export.json) | nothing | affected', ONLY_CVES],
  [
    'CVE: no-dsa (export.json) | wont-fix | affected',
    'Debian issues no advisory of its own, a point release may bring a fix. grype takes every word of that kind for "won\'t fix", trivy for open',
  ],
  [
    'CVE: postponed (export.json) | wont-fix | fix_deferred',
    'Debian will fix it with a later update. grype takes every word of that kind for "won\'t fix"',
  ],
  [
    'CVE: end-of-life (export.json) | not-fixed | end_of_life',
    'Debian no longer supports the package in this release. grype has no word for that and calls it open',
  ],
  [
    'CVE: unimportant (export.json) | not-fixed | affected',
    'Debian holds it to be harmless. Both scanners have that as a low severity of something open; we keep it as a word and count it apart',
  ],
  [
    'CVE: undetermined (export.json) | nothing | nothing',
    'Debian does not know yet whether the release is affected. Both scanners leave such entries out; we list them as undetermined',
  ],
  [
    'CVE: open (export.json) | nothing | affected',
    'grype is built to pass over this one: CVE-2023-45853 in zlib1g is in code that the package does not build. Debian calls the source open, so we do',
  ],
])

/** Reasons that hold for some issues only: in a class of these no other may be. */
export const LIMITED_TO: ReadonlyMap<string, readonly string[]> = new Map([
  ['CVE: open (export.json) | nothing | affected', ['CVE-2023-45853']],
])
