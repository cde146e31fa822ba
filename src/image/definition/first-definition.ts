/**
 * Gives the text of a first definition, for `casemate init`: it parses as it stands, and its comments say what else
 * there is. `image` is the name it gets.
 */
export function firstDefinition(image: string): string {
  return `# What the image shall be. Keys that are not known are errors, with the nearest known one named.
image: ${image}
description: ${image}, without shell or package manager

# A catalogue image, or the path of another definition, that this one adds to: base brings the CA bundle,
# time zones and the user nonroot. Lists append, maps merge by key, scalars replace.
extends: base

# Debian packages, with what they depend on: name, name=version, name>=version, name/suite.
packages:
  - curl

# Packages to leave out although something depends on them, each with a reason.
# without:
#   some-package: only its maintainer script needs it

# Files, directories and links beside those of packages.
# paths:
#   - { path: /app, type: directory, uid: 65532, gid: 65532 }
#   - { path: /etc/app.conf, source: app.conf }
#   - { path: /usr/local/bin/app, symlink: /app/bin/app }

environment:
  LANG: C.UTF-8

entrypoint: [/usr/bin/curl]
cmd: [--help]

# What the image promises to whoever runs it.
contract:
  run-as: nonroot
  work-dir: /
  ports: []
  writable: []
  stop-signal: SIGTERM

# The same image with more in it, from the same lock; its tags end in -dev.
variants:
  dev:
    packages: [apt, bash, coreutils]
    contract: { run-as: root }

# Tags made from package versions; the first one is the image's version.
tags: ["{curl:upstream}", "{minor}", latest]

# What \`casemate test\` runs in the finished image.
tests:
  - { name: prints its version, command: [/usr/bin/curl, --version], stdout: { contains: curl } }
`
}
