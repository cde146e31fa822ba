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
    script: 'bind9 postinst',
    class: 'covered',
    by: "accounts and script-paths; it makes a key for rndc, which would be everybody's secret in an image, lends it and the configuration to Debian's account, and checks the configuration",
    keeps: ['account', 'group', 'directory', 'owner', 'mode'],
    sha256: ['490d36fcf4493d1b03b9e8a018ebe118ee316da833ecb1c9847129a1070ca1a9'],
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
    script: 'erlang-base postinst',
    class: 'covered',
    by: 'accounts, which adds epmd; the rest looks for services that depend on Erlang and starts them',
    keeps: ['account', 'group'],
    sha256: ['dae99f20e44a118c5469230c55bafc8ec950197bf1100ffef8322bc38d7b0a23'],
  },
  {
    script: 'fontconfig-config postinst',
    class: 'covered',
    by: 'font-configuration; it links the font rules chosen in debconf, by default slight hinting and no bitmaps but emoji',
    keeps: [],
    sha256: ['938926ea6d250e93ad844328613505a232420f66f126158f83785c16ec7d602a'],
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
    script: 'prometheus-blackbox-exporter postinst',
    class: 'covered',
    by: 'accounts and script-paths; it sets the file capability that was chosen in debconf, by default none',
    keeps: ['account', 'group', 'owner'],
    sha256: ['22ca438d8862b4c30dc1e3f5e0df4e84af534e0bd07c0fd7162e2e4342381112'],
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
    script: 'rabbitmq-server postinst',
    class: 'covered',
    by: "accounts and script-paths; it makes a cookie, which would be everybody's secret in an image, gives the data to Debian's account, and copies a file of comments to /etc/rabbitmq",
    keeps: ['account', 'group', 'directory'],
    sha256: ['7c030d6c4817d6be35b8d79209ff956ed08e0f185d2b8625e9a18921a6896718'],
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
  {
    script: 'mariadb-common postinst',
    class: 'covered',
    by: 'alternatives; it makes mariadb.cnf the configuration that my.cnf links to, by a second call where the first did not',
    keeps: ['alternative'],
    sha256: ['7eae5ea24780e77cb87f642df312f558cd4d1e8674fa61052d9c93d0f8966dae'],
  },
  {
    script: 'postgresql-17 postinst',
    class: 'needless',
    by: 'it makes a first cluster, starts it, links manual pages and keeps apt from removing it; a container makes its own cluster',
    keeps: [],
    sha256: ['a197e5454f724a5c58fa01c62caa1c2ecac941c4a50006ff2a55f239a97bdfc4'],
  },
  {
    script: 'postgresql-client-17 postinst',
    class: 'needless',
    by: 'it links manual pages of this version to their common names',
    keeps: [],
    sha256: ['33e4c16d76feda60110db808a5a18a2bd30e72dd4c6f44c31170c25a63e7214a'],
  },
  {
    script: 'postgresql-common postinst',
    class: 'covered',
    by: "accounts, script-paths and tmpfiles; the rest is for clusters of a booted system: debconf's answer on TLS, dictionaries of spelling packages, apt's list of packages to keep",
    keeps: ['account', 'group', 'member', 'directory', 'mode', 'owner'],
    sha256: ['3b462c986ebcdaaf7adab10c671b9fd4a7bf26d3cfd238b9e3d7eb5987ad3397'],
  },
  {
    script: 'ssl-cert postinst',
    class: 'needless',
    by: 'it makes a key with a certificate of its own signature; a key in an image is no secret',
    keeps: ['group', 'statoverride'],
    sha256: ['1199c855f24e9f8e84af61d661f4f7baaaa21ddbadbeb59c927c38a4af1a7187'],
  },
  {
    script: 'tomcat10 and tomcat11 postinst',
    class: 'covered',
    by: "configuration-files, sysusers and tmpfiles; it gives Tomcat's directories to an account of its own and copies a first page, which images declare themselves",
    keeps: ['configuration-file'],
    sha256: [
      '43a042828315dde0964933bccffe8571a29fea68476c10736652316e09088c87',
      '1059d5906db8c595028ed563075376873277aa616cfc07efc0913cbd325f1f20',
    ],
  },
]

/** The reviewed scripts by the 64 hex digits of their SHA-256. */
export const reviewedScripts: ReadonlyMap<string, ReviewedScript> = new Map(
  reviews.flatMap((review) => review.sha256.map((sha256) => [sha256, review] as const)),
)
