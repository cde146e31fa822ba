import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { type TestPath, testTree } from '#testkit'
import { ImageError } from '../errors.ts'
import { parseShell } from './shell-parser.ts'
import { walkScript } from './shell-walk.ts'

function follow(text: string, paths: Record<string, TestPath> = {}, parameters = ['configure', '']) {
  const facts = { package: 'demo', architecture: 'amd64', tree: testTree(paths).tree }
  return walkScript(parseShell(text), parameters, facts)
}

/** The words of each call of `act`, as far as they are known; a `?` before those that may not run. */
function acts(text: string, paths: Record<string, TestPath> = {}): string[] {
  return follow(text, paths)
    .filter(({ words }) => words[0] === 'act')
    .map(
      ({ words, isCertain }) =>
        `${isCertain ? '' : '?'}${words
          .slice(1)
          .map((word) => word ?? '<unknown>')
          .join('|')}`,
    )
}

/** Scripts whose every decision the text makes: dash is asked what they call. */
const decided: [string, string][] = [
  ['a case by the first parameter', 'case "$1" in configure|other) act yes;; *) act no;; esac; act end'],
  ['nothing upgraded', 'if [ -n "$2" ]; then act upgrade; elif [ -z "$2" ]; then act fresh; fi'],
  ['a loop over words, with a suffix cut', `for f in a.ini b.ini; do act "\${f%.ini}" "\${f#?}"; done`],
  [
    'a function that prints, in a substitution',
    'slave() { echo "--slave $1/$2 $2"; }\nact x $(slave /d f; for i in 1 2; do slave /e g$i; done)',
  ],
  ['quotes of all kinds', 'act \'a  b\' "c  $1" d\\ e "f\\"g" \'h\'"i"j'],
  ['fields split where nothing is quoted', 'x="a b"; act $x; act "$x"; y=; act $y end; act "$y" end'],
  ['defaults and alternatives', `act "\${1:-x}" "\${2:-none}" "\${NOPE:-none}" "\${1:+set}" "\${2:+set}"`],
  ['prefixes and suffixes', `p=/usr/lib/x.tar.gz; act \${p##*/} \${p%/*} \${p%%.*} \${p#/usr}`],
  [
    'patterns',
    'for w in conf.d a-b x9 .hid; do case $w in [a-c]*) act set;; [!x]*.?) act dot;; x[0-9]) act digit;; *) act none;; esac; done',
  ],
  ['a return in a function', 'f() { [ "$1" = a ] && return 0; act "$1"; }; f a; f b; act end'],
  ['an exit that ends it all', 'act one; [ "$1" = configure ] || exit 1; exit 0; act two'],
  ['break and continue', 'for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; act $i; done'],
  ['a subshell that keeps its changes', 'x=1; ( x=2; act $x; exit 0 ); act $x'],
  ['parameters of a function and of the script', 'f() { act "$@" $#; shift; act "$1"; }; f a "b c"; act "$1"'],
  ['here-documents step aside', 'cat > /dev/null <<EOF\nact no\nEOF\nact yes'],
  ['negation and lists', '! false && act a; true || act b; false && act c; { false || true; } && act d'],
  ['back quotes', 'd=`dirname /a/b/c`; act "$d" `basename /x/y.txt .txt`'],
  [
    'versions compared by dpkg',
    'dpkg --compare-versions "$2" lt-nl 1.0 && act older; dpkg --compare-versions 1.2~ lt 1.2 && act tilde',
  ],
  [
    'test in all its forms',
    'test a = a -a b != c && act 1; [ ! a = b ] && act 2; [ 3 -gt 2 ] && act 3; [ "" ] || act 4',
  ],
]
for (const [because, text] of decided) {
  test(`dash calls the same: ${because}`, () => {
    const spy = `act() { s=; for w; do printf '%s%s' "$s" "$w"; s='|'; done; printf '\\n'; }\n`
    const real = execFileSync('dash', ['-c', spy + text, 'postinst', 'configure', ''], { encoding: 'utf8' })
    assert.deepEqual(acts(text), real.trimEnd().split('\n'))
  })
}

test('a text that doubles and doubles is unknown in the end', () => {
  assert.deepEqual(acts(`x=abcdefgh; ${'x=$x$x; '.repeat(60)}act "$x"`), ['<unknown>'])
})

test('a condition that only running could decide leaves both ways open', () => {
  assert.deepEqual(acts('if grep -q x /etc/y; then act a; x=1; else act b; fi; act "$x"'), ['?a', '?b', '<unknown>'])
  assert.deepEqual(acts('grep -q x /y && exit 0; act after'), ['after'])
})

test('what a loop changes is unknown inside it from the second round on', () => {
  const text = 'i=0; while read line; do if [ $i = 1 ]; then act hidden; fi; i=1; done < /etc/x'
  assert.deepEqual(acts(text), ['?hidden'])
})

test('debconf answers are unknown', () => {
  assert.deepEqual(acts('db_get x/y; if [ "$RET" = true ]; then act "$RET"; fi'), ['?<unknown>'])
})

test('files are looked up in the image, links followed', () => {
  const paths: Record<string, TestPath> = {
    '/usr/bin/tool': { content: '', mode: 0o755 },
    '/bin': { link: 'usr/bin' },
    '/etc/empty': '',
    '/etc/link': { link: 'nowhere' },
  }
  const text = `[ -x /bin/tool ] && act x; [ -d /bin ] && act d; [ -s /etc/empty ] || act s; [ -e /etc/link ] || act e
    [ -L /etc/link ] && act L; command -v tool >/dev/null && act v; which missing || act w; [ -d /run/systemd/system ] || act r`
  assert.deepEqual(acts(text, paths), ['x', 'd', 's', 'e', 'L', 'v', 'w', 'r'])
  assert.deepEqual(acts('[ -e /proc/1 ] && act', paths), ['?'])
})

test('a pattern of paths is matched in the image', () => {
  const paths = { '/usr/lib/hooks/a.sh': '', '/usr/lib/hooks/b.sh': '', '/usr/lib/hooks/c.txt': '' }
  assert.deepEqual(acts('for h in /usr/lib/hooks/*.sh; do act $h; done', paths), [
    '/usr/lib/hooks/a.sh',
    '/usr/lib/hooks/b.sh',
  ])
  assert.deepEqual(acts('act /nowhere/*'), ['/nowhere/*'])
})

const endless: [string, string][] = [
  ['f() { f; f; }; f', 'functions that call themselves'],
  [`for a in ${'x '.repeat(300)}; do for b in ${'y '.repeat(300)}; do act; done; done`, 'loops in loops'],
  [`x=${'ab'.repeat(8000)}; act ${`\${x%%c*} `.repeat(9)}`, 'cuts of a long text, tried one after another'],
]
for (const [text, because] of endless) {
  test(`following ends: ${because}`, () => {
    assert.throws(
      () => follow(text),
      (error) => error instanceof ImageError && error.code === 'SCRIPT_UNREADABLE',
    )
  })
}
