/** The OCI platforms that Debian has an architecture for. */
export const PLATFORMS = [
  'linux/386',
  'linux/amd64',
  'linux/arm/v5',
  'linux/arm/v7',
  'linux/arm64',
  'linux/loong64',
  'linux/mips64le',
  'linux/ppc64le',
  'linux/riscv64',
  'linux/s390x',
] as const
