import type { Authority } from './serving.ts'

/** Everybody may do everything. */
export const openAuthority: Authority = {
  identify: async () => ({}),
  allows: () => true,
  isAdmin: () => true,
  isWelcome: () => true,
  challenge: () => ({}),
}
