import type { Route } from '../http/route.ts'
import { accessRoutes } from './access.ts'
import { eventRoutes } from './events.ts'
import { feedRoutes } from './feeds.ts'
import { findingRoutes } from './findings.ts'
import { holdRoutes } from './holds.ts'
import { imageRoutes } from './images.ts'
import { planRoutes } from './plans.ts'
import { recordRoutes } from './record.ts'
import { runRoutes } from './runs.ts'
import { serviceRoutes } from './service.ts'

/** Every route of the API, in the order of its description. */
export const apiRoutes: readonly Route[] = [
  ...imageRoutes,
  ...findingRoutes,
  ...eventRoutes,
  ...planRoutes,
  ...runRoutes,
  ...holdRoutes,
  ...recordRoutes,
  ...feedRoutes,
  ...accessRoutes,
  ...serviceRoutes,
]
