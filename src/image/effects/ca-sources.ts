import { SHARED, trustedCertificates } from './ca-bundle.ts'
import type { Effect } from './effect.ts'
import { hasPackage } from './entry.ts'

/**
 * Without dpkg nothing in the image can ever make the bundle anew, so that the single certificates it was made of would
 * only be there twice. Comes after every effect that reads them.
 */
export const caSources: Effect = {
  name: 'ca-sources',
  summary: 'Takes away the single certificates that the CA bundle holds, except from images with dpkg.',
  apply(context) {
    if (hasPackage(context, 'dpkg')) return []
    const shared = trustedCertificates(context).filter(({ path }) => path.startsWith(`${SHARED}/`))
    return shared.map(({ path }) => ({ type: 'removal', path }))
  },
}
