// The embedded registry has an entrance of its own: a build that pushes nowhere need not load a server.
export { AccessAuthority, type AccessOptions, type AccessSettings } from '../io/registry/access-authority.ts'
export { type AccessFiles, readAccess } from '../io/registry/access-files.ts'
export {
  type AddressOf,
  addressBehind,
  isNetwork,
  peerAddress,
  type TrustedProxies,
} from '../io/registry/client-address.ts'
export { type CollectOptions, type CollectReport, collectGarbage } from '../io/registry/collect.ts'
export { collectGarbageIn, scrubFolder } from '../io/registry/control.ts'
export {
  type AccessRecord,
  REGISTRY_LIMITS,
  type RegistryLimits,
  RegistryServer,
  type RegistryServerOptions,
} from '../io/registry/registry-server.ts'
export { type ScrubReport, scrub } from '../io/registry/scrub.ts'
export type { Authority } from '../io/registry/serving.ts'
export { RegistryStore } from '../io/registry/store.ts'
export { type Gauge, Metrics } from './metrics.ts'
