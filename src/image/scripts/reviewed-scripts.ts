import type { ScriptAction } from './action.ts'

/** A maintainer script that a person has read from end to end, known by the SHA-256 of its bytes. */
export interface ReviewedScript {
  readonly class: 'covered' | 'needless'
  /** The effect that does its work, or why an image does without; with what the script does. */
  readonly by: string
  /** Kinds of actions that following the script still finds and effects shall do; the rest is done elsewhere. */
  readonly keeps: readonly ScriptAction['kind'][]
}

interface Review extends ReviewedScript {
  readonly script: string
  /** One for each text that was read: releases and architectures differ in the names of their own directories. */
  readonly sha256: readonly string[]
}

const reviews: readonly Review[] = [
  {
    script: 'base-files preinst',
    class: 'covered',
    by: 'merged-usr; it checks the links below / and repairs one that systemd-nspawn once broke. dpkg-state has its diversions',
    keeps: ['diversion'],
    sha256: [
      'e593a5b0e3be354a3c0c0c0b5905de242da960e50bc0bb6d8f128247f125088a',
      'c6619854af6ee14357e5d81a56f6424a23909170251de2380b1f7caeb1cf2fb7',
    ],
  },
  {
    script: 'base-files postinst',
    class: 'covered',
    by: 'base-directories and merged-usr; the login records in /var/log are left out, nobody logs in to a container',
    keeps: [],
    sha256: [
      'c3afcbe1aa12e56b62955e75bbf432f21446c4901e66f19468f68351791b08be',
      '40d3b9308c8e180dbb0d8cdf3a2bb4d795b37815807a864e474e84bbc56a2660',
      '9d835f80f3815b5e5f49034027e9126e40d74c725e11cd37d4ae95dc490d209f',
    ],
  },
  {
    script: 'base-passwd preinst',
    class: 'covered',
    by: 'accounts; it writes the first account files with the same lines as the masters in /usr/share/base-passwd',
    keeps: [],
    sha256: ['47f6f8ee55faa32f7ff23337772c05bfcc7c01aa0804e1ffeffd71ebff0e21b9'],
  },
  {
    script: 'base-passwd postinst',
    class: 'covered',
    by: 'accounts; it copies the masters where the files are missing and offers to update them when upgraded',
    keeps: [],
    sha256: [
      '1cff0ea9b8dd12bcb4f6da505bdbd225c905df423f89f4a1be871667ab40c7c6',
      'c372532e5cba8abf8fd60fba244ddb537fef4807ce0624698dafb4d21866710c',
    ],
  },
  {
    script: 'ca-certificates postinst',
    class: 'covered',
    by: 'ca-bundle; it writes /etc/ca-certificates.conf from debconf, which selects every certificate, and updates the bundle',
    keeps: [],
    sha256: ['bbad2df5d3c5e3d787789275830bc5b597fe6e9218a99516947a079dcae9e262'],
  },
  {
    script: 'ca-certificates-java postinst',
    class: 'covered',
    by: 'java-keystore; it runs the JRE to put every CA certificate into the keystore',
    keeps: [],
    sha256: ['4d76cba4f4a8583c70bb4632e9c2c00a669396500b686c1f32cd2046a9e1e110'],
  },
  {
    script: 'iproute2 postinst',
    class: 'needless',
    by: 'it gives /bin/ip file capabilities, by default none; an image grants privileges by its run-time contract only',
    keeps: [],
    sha256: ['2f3e1f7e73979c974a2cdf373b8f2ae345d8f1fa8cfc5d4623ed71887d2c8f53'],
  },
  {
    script: 'libc6 preinst',
    class: 'covered',
    by: 'merged-usr, which links /lib64, and dpkg-state, which has its diversion; the rest looks after upgrades of running systems',
    keeps: ['diversion'],
    sha256: [
      '964a417b9c330f80213fe8aebb1f44eaea307203962aecb0de493742583bb454',
      '47f047126448416b1f94d48a9bb9c26d39b7806c3a1aedbd3f24ccbc64b45eb6',
      '77692462251006a8b8161b442c5b0b75b9580d70fd3d85c066a5c9a412c1ce9b',
      '3db894ad8bf11f5a4a891763c66d89c85268e83204c2814f34bf54bfb250558f',
    ],
  },
  {
    script: 'locales postinst',
    class: 'needless',
    by: 'it generates the locales chosen in debconf, by default none; C.UTF-8 is part of libc-bin',
    keeps: [],
    sha256: ['1c681aec0a7dd580faf35d36ff99f9f425552bda594ef00a535929de3b22c442'],
  },
  {
    script: 'python3.13-minimal postinst',
    class: 'covered',
    by: 'python-bytecode, where the definition asks for it, and script-paths, which makes the directories in /usr/local',
    keeps: ['directory', 'mode', 'owner'],
    sha256: [
      '889fccd49312f43c74e44f01bd751aa9282894934d5a61bb4f387f79a486ff9d',
      '3f75bf9bd8745b4d9d3a84af4647a5d9229214ab9fd8ec8e5a8dbf1a87acf3fd',
    ],
  },
  {
    script: 'tzdata postinst',
    class: 'covered',
    by: 'time-zone; it links /etc/localtime to the zone chosen in debconf',
    keeps: [],
    sha256: [
      '555ed6cfc95b70d0e209ffcbfbcef31670cf50bea5e9ff686f6f9c456acb0f46',
      '8160b6fd593c06872ad43767e3cb80d1a216ef05274a4b32e4ca878bcfc3ade2',
    ],
  },
  {
    script: 'ucf preinst',
    class: 'needless',
    by: 'it keeps copies of the state that an earlier installation left; a new root has none',
    keeps: [],
    sha256: ['1925d252696a0cff484af986b8ecd084f25f686b82a2cc7db2a6f7b80d7bbcb9'],
  },
  {
    script: 'dash postinst of Debian 12',
    class: 'covered',
    by: 'dpkg-state, which has its diversion of /bin/sh; the link itself is in the package',
    keeps: ['diversion'],
    sha256: ['1fd7a9289596244eb37ce8219ad942a531d8c965b5822cc47d7cdfd996cd598f'],
  },
  {
    script: 'dpkg postinst of Debian 12',
    class: 'needless',
    by: "it moves alternatives that one old version of dpkg misplaced and warns other vendors' systems of merged /usr",
    keeps: [],
    sha256: ['2f3d6715ff26f9615ea9d10312a54fc48af53d95b09ff407f78ec367faca37e2'],
  },
]

/** The reviewed scripts by the 64 hex digits of their SHA-256. */
export const reviewedScripts: ReadonlyMap<string, ReviewedScript> = new Map(
  reviews.flatMap((review) => review.sha256.map((sha256) => [sha256, review] as const)),
)
