/** One thing that an expression can ask for. */
export interface Field {
  /** CEL's own name of a type, a record's name, or `list<…>` of either. */
  readonly type: string
  /** A phrase for the documentation. */
  readonly means: string
  /** Whether it may be absent: `has()` tells. */
  readonly optional?: true
}

/** Things of which an image has many, and what groups consist of, by the names of their CEL types; what is made of another comes later. */
export const RECORDS = {
  Image: {
    reference: { type: 'string', means: 'as it was given' },
    name: { type: 'string', means: 'the name that its label says, or the last part of its reference' },
    digest: { type: 'string', means: 'of its manifest' },
    platform: { type: 'string', means: '`linux/amd64`' },
    variant: { type: 'string', means: 'which variant of its definition it is; `runtime` where no definition vouches' },
    for_building: {
      type: 'bool',
      means: 'whether its definition asks for a package manager, so that others are built in it',
    },
    has_definition: { type: 'bool', means: 'whether its definition was at hand, so that something can be declared' },
    distribution: { type: 'string', means: '`ID` of its os-release; empty without' },
    codename: { type: 'string', means: '`trixie`; empty where it says none' },
  },
  Config: {
    user: { type: 'string', means: 'as the config writes it' },
    uid: { type: 'int', means: "resolved by the image's own /etc/passwd; an absent user is 0" },
    gid: { type: 'int', means: 'likewise' },
    entrypoint: { type: 'list<string>', means: 'the program and its first arguments' },
    cmd: { type: 'list<string>', means: 'the arguments that a container may replace' },
    env: { type: 'map<string, string>', means: 'variables' },
    labels: { type: 'map<string, string>', means: 'labels' },
    ports: { type: 'list<string>', means: '`8080/tcp`' },
    volumes: { type: 'list<string>', means: 'paths' },
    stop_signal: { type: 'string', means: '`SIGTERM`' },
    work_dir: { type: 'string', means: 'a path' },
  },
  Contract: {
    declared: { type: 'bool', means: "whether the image's label promises one" },
    broken: { type: 'list<string>', means: 'keys in which the config keeps the promise no longer' },
    writable: { type: 'list<string>', means: 'paths that it promises to write to, volumes among them' },
  },
  Previous: {
    asked: { type: 'bool', means: 'whether the release before was named (`--previous`)' },
    changes: { type: 'list<string>', means: 'in what the image promises otherwise than that release' },
    raised: { type: 'bool', means: "whether its label's version is higher than that release's" },
  },
  Base: {
    asked: { type: 'bool', means: 'whether an allow-list was given (`--allow`)' },
    name: { type: 'string', means: 'what it was built on; empty where that is not known' },
    digest: { type: 'string', means: 'of that; empty where it is not known' },
    by: {
      type: 'string',
      means:
        'how that is known: `layers`, which an allow-list asks for; `annotation`, `label`; `definition` where it was built of packages alone',
    },
    refusals: { type: 'list<string>', means: 'why the allow-list does not allow it' },
  },
  File: {
    path: { type: 'string', means: 'absolute; of a program the name that it is found by' },
    mode: { type: 'string', means: 'four octal digits' },
    package: { type: 'string', means: 'the Debian package that owns it; empty without' },
    declared: {
      type: 'bool',
      means:
        'whether the definition asks for that package by name, or for the path; or the catalogue says why it is there',
    },
  },
  Files: {
    setuid: { type: 'list<File>', means: 'files with the setuid or setgid bit, or with capabilities' },
    world_writable: { type: 'list<File>', means: 'what everybody may write to; folders with the sticky bit are not' },
    shells: { type: 'list<File>', means: 'programs by the names of shells' },
    package_managers: { type: 'list<File>', means: 'programs by the names of package managers' },
    undeclared: { type: 'list<string>', means: 'files that no package, effect, definition or application explains' },
  },
  Secret: {
    kind: {
      type: 'string',
      means: "`github-pat`, `private-key` …: gitleaks' name of it; `secrets/kinds.yaml` lists them",
    },
    path: { type: 'string', means: 'the file, or what of the config: `config env TOKEN`, `config history 3`' },
    line: { type: 'int', means: 'in the file, from 1; 0 where its name says it' },
    layer: { type: 'int', means: 'from 1, the lowest; 0 for the config' },
    shown: { type: 'string', means: 'how the secret begins, and its length' },
    package: { type: 'string', means: 'the Debian package that owns the file; empty without' },
    published: { type: 'bool', means: 'whether the file is as its Debian package ships it: everybody has it' },
    hidden: { type: 'bool', means: 'whether a later layer hides the file; who pulls the image has it all the same' },
  },
  Secrets: {
    found: { type: 'list<Secret>', means: 'what looks like a secret, in all layers and the config' },
    packed: {
      type: 'list<string>',
      means: 'compressed files that no Debian package ships: nobody has looked into them',
    },
  },
  Package: {
    name: { type: 'string', means: 'the Debian binary package' },
    version: { type: 'string', means: 'its version' },
    architecture: { type: 'string', means: '`amd64`, `all`' },
    source: { type: 'string', means: 'the source package' },
  },
  Application: {
    ecosystem: { type: 'string', means: '`npm`, `PyPI`, `Go`, `Maven`, `RubyGems`' },
    name: { type: 'string', means: 'as OSV names it' },
    version: { type: 'string', means: 'its version' },
    purl: { type: 'string', means: 'its package URL' },
    path: { type: 'string', means: 'the file that says so' },
  },
  Licence: {
    package: { type: 'string', means: 'a Debian package, or a package of an application' },
    expression: { type: 'string', means: 'in SPDX form; empty where it could not be classified' },
    ids: { type: 'list<string>', means: 'the licences that the expression names' },
    unclassified: { type: 'list<string>', means: 'why there is no expression' },
    kind: { type: 'string', means: '`debian` or `application`' },
  },
  Finding: {
    id: { type: 'string', means: 'CVE, or another name of the issue' },
    package: { type: 'string', means: 'source package, or package of an application' },
    version: { type: 'string', means: 'installed' },
    status: { type: 'string', means: "Debian's word: `fixed`, `open`, `no-dsa`, `postponed`, `undetermined` …" },
    severity: {
      type: 'string',
      means: '`critical`, `high`, `medium`, `low`, `info`, `none`; `unknown` without rating',
    },
    fixed_in: { type: 'string', means: 'the version that has the fix; empty without' },
    fix_age_days: { type: 'int', means: 'whole days since the fix was announced', optional: true },
    suppressed: { type: 'bool', means: 'whether a rule of the ignore file accepts it' },
  },
  Evidence: {
    asked: { type: 'bool', means: 'whether keys were given to verify it with' },
    refusals: { type: 'list<string>', means: 'why the image is not believed; empty where a trusted key signed it' },
    statements: { type: 'list<string>', means: 'types of believed statements: short names, or URIs' },
    refused: { type: 'list<string>', means: 'what is attached and not believed, each with why' },
  },
  Tests: {
    passed: { type: 'bool', means: 'whether there were tests and all passed' },
    failed: { type: 'list<string>', means: 'names of tests that did not pass' },
    count: { type: 'int', means: 'how many there were' },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>

/** The variables of expressions: each is known as a whole, or not. */
export const GROUPS = {
  image: { type: 'Image', means: 'what the image is' },
  config: { type: 'Config', means: 'how a container of it runs' },
  contract: { type: 'Contract', means: 'what it promises to who runs it' },
  previous: { type: 'Previous', means: 'how the image stands to the release before' },
  base: { type: 'Base', means: 'what it was built on' },
  files: { type: 'Files', means: 'files that gates ask about' },
  secrets: { type: 'Secrets', means: 'secrets in files and config' },
  packages: { type: 'list<Package>', means: 'Debian packages' },
  applications: { type: 'list<Application>', means: "applications' packages" },
  licences: { type: 'list<Licence>', means: 'licences of packages' },
  fixable: { type: 'list<Finding>', means: 'issues with a fix; unknown while advisories are missing or stale' },
  unfixed: {
    type: 'list<Finding>',
    means: 'issues without; the archive alone, without advisories, does not tell of any',
  },
  exploited_fixable: {
    type: 'list<Finding>',
    means: 'those of `fixable` that CISA knows exploits of; unknown without its catalogue',
  },
  exploited_unfixed: { type: 'list<Finding>', means: 'those of `unfixed`, likewise' },
  evidence: { type: 'Evidence', means: 'what is attached to the image in its registry' },
  tests: { type: 'Tests', means: "what came of the image's tests; unknown where nobody says" },
} as const satisfies Readonly<Record<string, Field>>

export type RecordName = keyof typeof RECORDS
export type GroupName = keyof typeof GROUPS

type ValueOf<Type> = Type extends 'string'
  ? string
  : Type extends 'int'
    ? number
    : Type extends 'bool'
      ? boolean
      : Type extends 'list<string>'
        ? readonly string[]
        : Type extends 'map<string, string>'
          ? Readonly<Record<string, string>>
          : Type extends `list<${infer Name extends RecordName}>`
            ? readonly FactRecord<Name>[]
            : Type extends RecordName
              ? FactRecord<Type>
              : never

type OptionalKey<Fields> = {
  [Key in keyof Fields]: Fields[Key] extends { readonly optional: true } ? Key : never
}[keyof Fields]

/** A record as a value. */
export type FactRecord<Name extends RecordName> = {
  readonly [Key in Exclude<keyof (typeof RECORDS)[Name], OptionalKey<(typeof RECORDS)[Name]>>]: ValueOf<
    (typeof RECORDS)[Name][Key] extends { readonly type: infer Type } ? Type : never
  >
} & {
  readonly [Key in OptionalKey<(typeof RECORDS)[Name]>]?: ValueOf<
    (typeof RECORDS)[Name][Key] extends { readonly type: infer Type } ? Type : never
  >
}

/** Everything that expressions can see. */
export type Facts = { readonly [Group in GroupName]: ValueOf<(typeof GROUPS)[Group]['type']> }

/** A group of facts, or why it could not be established. */
export type Established<Value> = { readonly known: true; readonly value: Value } | Unknown

/** Why something could not be established, as a clause without a full stop. */
export interface Unknown {
  readonly known: false
  readonly reason: string
}

/** Facts as far as they could be established. */
export type EstablishedFacts = { readonly [Group in GroupName]: Established<Facts[Group]> }

/** The names of all groups. */
export const GROUP_NAMES = Object.keys(GROUPS).filter(isGroupName)

/** Whether a text names a group. */
export function isGroupName(text: string): text is GroupName {
  return Object.hasOwn(GROUPS, text)
}

/** Whether a text names a record. */
export function isRecordName(text: string): text is RecordName {
  return Object.hasOwn(RECORDS, text)
}

/** The fields of a record as a plain table. */
export function fieldsOf(name: RecordName): readonly (readonly [key: string, field: Field])[] {
  return Object.entries<Field>(RECORDS[name])
}

/** The type of a list's items; `undefined` for other types. */
export function itemType(type: string): string | undefined {
  return /^list<(.+)>$/.exec(type)?.[1]
}
