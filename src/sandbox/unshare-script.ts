import { EMULATOR_PATH, HELPER_PATH, type LaunchSpec, WRITABLE_BYTES } from './sandbox.ts'

/**
 * The descriptors of the shell that sets a container up: it tells its process number, then waits to be let go. `errors` becomes the
 * program's standard error; until then, and for unshare(1) for good, that is another one, since it has words of its own when the program
 * is killed.
 */
export const UNSHARE_DESCRIPTORS = { info: 3, hold: 4, errors: 5 } as const

/** Who starts the container: root itself, or a user whose namespace makes it root of its own mounts. */
export type UnshareMode = 'root' | 'user-namespace'

/**
 * A user namespace shows us as one user only. Mounting takes root, so another user of the image needs a second one below;
 * the kernel gives none to who has changed its root, or has had it covered.
 */
const needsSecond = ({ user }: LaunchSpec, mode: UnshareMode) => mode === 'user-namespace' && user.uid !== 0

/** What root keeps until it has become the image's user, one exec before the program. */
const KEPT = '-all,+sys_chroot,+setgid,+setuid'
/** What root, even without capabilities, could reach the kernel by; the same that runc shuts. */
const MASKED = 'kcore keys sysrq-trigger timer_list'
const READ_ONLY = 'bus fs irq sys'
const NODES = ['null', 'zero', 'full', 'random', 'urandom']

/**
 * The shell script that mounts a container's files and becomes its program, with the host's mount(8), setpriv(1) and
 * unshare(1), each before the root changes: nothing of the host is left in the container. It runs in new namespaces, with
 * the host's root, until it is let go. Whom chroot(2) is left to finds the image moved onto `/`, so that it leads nowhere.
 * Nothing is noted in the host's own table of mounts, which only root could write (`-n`).
 */
export function unshareScript(spec: LaunchSpec, mode: UnshareMode): string {
  const root = quote(spec.root)
  return [
    'set -e',
    // The host's /proc is still there: the number is the one that the host knows.
    'read -r pid rest < /proc/self/stat',
    'env=$(command -v env) setpriv=$(command -v setpriv) unshare=$(command -v unshare)',
    `mount -n --bind ${root} ${root}`,
    `mount -n -o remount,bind,${spec.rootIsWritable ? 'rw' : 'ro'},nosuid,nodev ${root}`,
    `cd ${root}`,
    'mount -n -t proc -o nosuid,nodev,noexec proc proc',
    `for path in ${MASKED}; do [ ! -e "proc/$path" ] || mount -n --bind /dev/null "proc/$path"; done`,
    `for path in ${READ_ONLY}; do`,
    '  [ ! -e "proc/$path" ] || { mount -n --bind "proc/$path" "proc/$path"; mount -n -o remount,bind,ro "proc/$path"; }',
    'done',
    ...devices(spec),
    ...spec.writable.map(({ path, mode: bits }) => tmpfs(`.${path}`, { bits, spec, mode })),
    '{ echo casemate > /proc/sys/kernel/hostname; } 2>/dev/null || hostname casemate',
    ...(spec.network === 'none' ? [LOOPBACK] : []),
    ...(needsSecond(spec, mode) ? [] : ['mount -n --move . /']),
    `echo "$pid" >&${UNSHARE_DESCRIPTORS.info}`,
    `exec ${UNSHARE_DESCRIPTORS.info}>&-`,
    `read -r go <&${UNSHARE_DESCRIPTORS.hold}`,
    `exec ${UNSHARE_DESCRIPTORS.hold}<&-`,
    `exec 2>&${UNSHARE_DESCRIPTORS.errors} ${UNSHARE_DESCRIPTORS.errors}>&-`,
    program(spec, mode),
  ].join('\n')
}

/** Where neither ip(8) nor sysfs may be used, loopback stays down, which is stricter than it need be. */
const LOOPBACK = `ip link set lo up 2>/dev/null || {
  mount -n -t sysfs sysfs sys && echo 0x49 > sys/class/net/lo/flags && umount -n sys
} 2>/dev/null || true`

function devices(spec: LaunchSpec): string[] {
  const node = (from: string, to: string) => [`: > ${quote(to)}`, `mount -n --bind ${quote(from)} ${quote(to)}`]
  return [
    'mount -n -t tmpfs -o nosuid,mode=755,size=1m tmpfs dev',
    ...NODES.flatMap((name) => node(`/dev/${name}`, `dev/${name}`)),
    'ln -s /proc/self/fd dev/fd',
    ...['stdin', 'stdout', 'stderr'].map((name, fd) => `ln -s /proc/self/fd/${fd} dev/${name}`),
    ...(spec.emulator ? node(spec.emulator, `.${EMULATOR_PATH}`) : []),
    ...(spec.helper ? helper(spec.helper) : []),
    'mkdir dev/shm',
    `mount -n -t tmpfs -o nosuid,nodev,noexec,mode=1777,size=${spec.memory ?? WRITABLE_BYTES} tmpfs dev/shm`,
    'mount -n -o remount,bind,ro,nosuid dev',
  ]
}

function helper(root: string): string[] {
  const place = `.${HELPER_PATH}`
  const bind = `mount -n --bind ${quote(root)} ${place}`
  return [`mkdir ${place}`, bind, `mount -n -o remount,bind,ro,nosuid,nodev ${place}`]
}

function tmpfs(place: string, { bits, spec, mode }: { bits: number; spec: LaunchSpec; mode: UnshareMode }): string {
  // In a user namespace our own number is 0, and becomes the image's user's in the one below.
  const { uid, gid } = needsSecond(spec, mode) ? { uid: 0, gid: 0 } : spec.user
  const size = spec.memory ?? WRITABLE_BYTES
  const options = `nosuid,nodev,mode=${bits.toString(8)},uid=${uid},gid=${gid},size=${size}`
  return `mount -n -t tmpfs -o ${options} tmpfs ${quote(place)}`
}

function program(spec: LaunchSpec, mode: UnshareMode): string {
  const { user, environment, workDir, argv } = spec
  const variables = Object.entries(environment).map(([name, value]) => quote(`${name}=${value}`))
  const isNested = needsSecond(spec, mode)
  const privileges = ['"$setpriv"', '--no-new-privs', ...(isNested ? [] : [`--bounding-set=${KEPT}`])]
  const ids = isNested ? ['--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`] : []
  const own = mode === 'root' ? [`--setgid=${user.gid}`, `--setuid=${user.uid}`] : []
  const enter = ['"$unshare"', ...ids, ...own, '--root=.', quote(`--wd=${workDir}`)]
  return ['exec', '"$env"', '-i', ...variables, ...privileges, ...enter, '--', ...argv.map(quote)].join(' ')
}

/** As one word of a shell (POSIX, 2.2.2). */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
