import { EMULATOR_PATH, HELPER_PATH, type LaunchSpec, WRITABLE_BYTES } from '../sandbox.ts'

const HOLD = 'cat > "$1.part" && mv "$1.part" "$1" && until [ -e "$2" ]; do [ -e "$1" ] || exit 1; sleep 0.01; done'

/** The config.json (runtime-spec) of a container; the hook tells its state in `state` and waits for `go`. */
export function runcSpec(spec: LaunchSpec, files: { state: string; go: string }): object {
  const { user, memory } = spec
  const none: string[] = []
  return {
    ociVersion: '1.0.2',
    hostname: 'casemate',
    root: { path: spec.root, readonly: !spec.rootIsWritable },
    process: {
      terminal: false,
      user: { ...user, umask: 0o022 },
      args: spec.argv,
      env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
      cwd: spec.workDir,
      noNewPrivileges: true,
      capabilities: { bounding: none, effective: none, permitted: none, inheritable: none, ambient: none },
      // Raising a limit needs CAP_SYS_RESOURCE, which not every root has; ours are inherited.
      rlimits: [],
    },
    mounts: mounts(spec),
    hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', HOLD, 'sh', files.state, files.go], timeout: 60 }] },
    linux: {
      cgroupsPath: `/${spec.id}`,
      resources: { ...(memory && { memory: { limit: memory } }), pids: { limit: 1024 } },
      namespaces: [...['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })), ...network(spec)],
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/sysrq-trigger', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys'],
    },
  }
}

function network({ network }: LaunchSpec): object[] {
  if (network === 'host') return []
  return [{ type: 'network', ...(network !== 'none' && { path: `/proc/${network.pid}/ns/net` }) }]
}

function mounts({ user, writable, memory, emulator, helper }: LaunchSpec): object[] {
  const size = `size=${memory ?? WRITABLE_BYTES}`
  const tmpfs = { type: 'tmpfs', source: 'tmpfs' }
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
    { destination: '/dev', ...tmpfs, options: ['nosuid', 'mode=755', 'size=1m'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    { destination: '/dev/shm', ...tmpfs, options: ['nosuid', 'nodev', 'noexec', 'mode=1777', size] },
    ...(helper
      ? [{ destination: HELPER_PATH, type: 'none', source: helper, options: ['rbind', 'ro', 'nosuid', 'nodev'] }]
      : []),
    ...(emulator
      ? [{ destination: EMULATOR_PATH, type: 'none', source: emulator, options: ['bind', 'ro', 'nosuid', 'nodev'] }]
      : []),
    ...writable.map(({ path, mode }) => ({
      destination: path,
      ...tmpfs,
      options: ['nosuid', 'nodev', `mode=${mode.toString(8)}`, `uid=${user.uid}`, `gid=${user.gid}`, size],
    })),
  ]
}
