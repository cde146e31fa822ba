/** Why a command leaves nothing behind that an image needs; the text is shown to users. */
const reasons = {
  reads: 'only reads or prints',
  service: 'handles services of a running system; an image has none',
  kernel: 'loads a profile into the kernel of a running system; an image has none',
  debconf: 'asks debconf; images take the default answers',
  history: 'only matters when an older version was installed',
  cache: 'refreshes a cache that programs work without',
  trigger: 'tells another package, whose own effect does the work',
  register: 'registers files for tools that read the packages themselves',
} as const

const commands: Readonly<Record<keyof typeof reasons, string>> = {
  reads: `: true false echo printf [ test cat grep egrep fgrep zgrep awk mawk cut tr sort uniq head tail wc basename dirname
    readlink realpath md5sum sha1sum sha256sum stat id getent date uname mktemp expr seq which command type hash cmp diff comm
    dpkg-query dpkg-realpath dpkg-architecture read cd pwd umask trap wait sleep sync hostname getconf ls test locale nproc tty
    tput ischroot mountpoint pidof pgrep ps ss apt-config dpkg-vendor lsb_release xargs yes rev nl tac logger run-parts phpquery journalctl
    setup_colors warning error info`,
  service: `invoke-rc.d update-rc.d deb-systemd-helper deb-systemd-invoke systemctl service start-stop-daemon telinit init
    udevadm initctl killall kill modprobe sysctl setupcon`,
  kernel: 'aa-enabled apparmor_parser',
  debconf: `db_version db_capb db_get db_set db_fset db_input db_go db_stop db_reset db_subst db_title db_settitle db_beginblock
    db_endblock db_metaget db_purge db_unregister db_register db_progress db_info db_data db_x_loadtemplatefile`,
  history: 'dpkg-maintscript-helper',
  cache: `ldconfig update-mime update-mime-database update-desktop-database update-icon-caches gtk-update-icon-cache
    fc-cache mandb update-menus update-info-dir install-info glib-compile-schemas gio-querymodules`,
  trigger: 'dpkg-trigger',
  register: 'ucfr install-docs update-binfmts deb-gview add-auth-file update-python-modules restorecon',
}

const reasonOf = new Map<string, string>()
for (const [kind, names] of Object.entries(commands)) {
  for (const name of names.split(/\s+/)) reasonOf.set(name, reasons[kind as keyof typeof reasons])
}

/** Why a command of that name is needless in an image whatever its operands; `undefined` when it is not. */
export function needlessReason(name: string): string | undefined {
  return reasonOf.get(name)
}
