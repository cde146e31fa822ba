import type { XStatic } from 'typebox/schema'
import { type Fault, faultsOf, type Json, parseYaml, placeFaults, reportFaults, type Shape } from '#core'
import { FactoryError } from '../errors.ts'
import { type BaseSettings, baseSettingsOf, basesShape } from './bases-settings.ts'
import { durationOf, durationShape } from './duration.ts'
import { folderShape, textShape } from './folder-shape.ts'
import { type InventorySettings, inventoryFaults, inventoryOf, inventoryShape } from './inventory-settings.ts'
import { notifyFaults, notifyShape, type Subscription, subscriptionsOf } from './notify-settings.ts'
import { policyFaults, policyOf, policyShape, type UpdatePolicy } from './policy-settings.ts'
import { type RetentionSettings, retentionOf, retentionShape } from './retention-settings.ts'
import { type RunSettings, runSettingsOf, runsShape } from './runs-settings.ts'
import { type ServerSettings, serverFaults, serverOf, serverShape } from './server-settings.ts'
import { type ServiceLevels, serviceLevelsOf, slaShape } from './sla-settings.ts'

/** The file of a factory's settings, in the folder of `casemate up`. */
export const SETTINGS_FILE = 'factory.yaml'

/** What a factory shall do. */
export interface FactorySettings {
  /** Names of catalogue images, or folders with a definition. */
  readonly images: readonly string[]
  /** Where definitions of one's own are; `undefined` where there are none. */
  readonly definitions: DefinitionsPlace | undefined
  /** Milliseconds between two looks at an archive; `undefined` where that hangs on the mirror. */
  readonly poll: number | undefined
  /** `embedded`, or a reference such as `docker://host/prefix`. */
  readonly registry: string
  readonly bases: BaseSettings
  readonly policy: UpdatePolicy
  readonly levels: ServiceLevels
  readonly runs: RunSettings
  /** Who is told what. */
  readonly notify: readonly Subscription[]
  /** What runs where. */
  readonly inventory: InventorySettings
  readonly server: ServerSettings
  readonly retention: RetentionSettings
}

/** A folder, or one in a Git repository. */
export type DefinitionsPlace =
  | { readonly folder: string }
  | { readonly git: string; readonly branch: string | undefined; readonly path: string }

const FILE_LENGTH = 1 << 19
const settingsShape = {
  type: 'object',
  title: "a factory's settings",
  additionalProperties: false,
  properties: {
    images: {
      type: 'array',
      title: 'a list of catalogue images, or of folders with a definition',
      items: textShape,
    },
    definitions: folderShape,
    archives: {
      type: 'object',
      title: 'how archives are watched',
      additionalProperties: false,
      properties: { poll: durationShape },
    },
    registry: {
      type: 'string',
      title: '`embedded`, or a place such as docker://registry.example.org/prefix',
      pattern: '^(?:embedded|docker://[^\\s/]+(?:/\\S+)?)$',
    },
    bases: basesShape,
    policy: policyShape,
    sla: slaShape,
    runs: runsShape,
    notify: notifyShape,
    inventory: inventoryShape,
    server: serverShape,
    retention: retentionShape,
  },
} as const satisfies Shape

type WrittenSettings = XStatic<typeof settingsShape>

/** Where nothing is said: the images of the quick start, from the catalogue. */
const DEFAULT_IMAGES = ['static', 'base', 'python', 'nginx']

/**
 * Reads a factory's settings; of an empty text all are defaults. Throws `SETTINGS_INVALID`, naming lines, for what is not YAML,
 * unknown keys, and values that make no sense.
 */
export function parseFactorySettings(content: string, file: string): FactorySettings {
  const intent = 'cannot read settings'
  const invalid = (message: string) => new FactoryError('SETTINGS_INVALID', message)
  if (content.length > FILE_LENGTH) throw invalid(`${intent} ${file}: it is longer than ${FILE_LENGTH} characters`)
  const document = parseYaml(content)
  if (!('value' in document)) throw invalid(reportFaults(intent, file, document))
  const value = document.value ?? {}
  const shapeFaults = faultsOf(settingsShape, value)
  const faults = isWritten(value, shapeFaults)
    ? [
        ...policyFaults(value.policy ?? {}, ['policy']),
        ...notifyFaults(value.notify ?? [], ['notify']),
        ...serverFaults(value.server ?? {}, ['server']),
        ...inventoryFaults(value.inventory ?? {}, ['inventory']),
      ]
    : shapeFaults
  if (!isWritten(value, shapeFaults) || faults.length > 0) {
    throw invalid(reportFaults(intent, file, placeFaults(faults, document), faults.length))
  }
  return {
    images: value.images ?? DEFAULT_IMAGES,
    definitions: definitionsPlace(value.definitions),
    poll: value.archives?.poll === undefined ? undefined : durationOf(value.archives.poll),
    registry: value.registry ?? 'embedded',
    bases: baseSettingsOf(value.bases),
    policy: policyOf(value.policy),
    levels: serviceLevelsOf(value.sla),
    runs: runSettingsOf(value.runs),
    notify: subscriptionsOf(value.notify),
    inventory: inventoryOf(value.inventory),
    server: serverOf(value.server),
    retention: retentionOf(value.retention),
  }
}

/** The JSON Schema (draft 2020-12) of `factory.yaml`, for editors: the very value that it is checked by. */
export function settingsJsonSchema(): Json {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...settingsShape }
}

function definitionsPlace(written: WrittenSettings['definitions']): DefinitionsPlace | undefined {
  if (written === undefined) return undefined
  if (typeof written === 'string') return { folder: written }
  return { git: written.git, branch: written.branch, path: written.path ?? '.' }
}

/** The shape is where the type is inferred from, so a value without faults has it. */
function isWritten(_value: unknown, faults: readonly Fault[]): _value is WrittenSettings {
  return faults.length === 0
}
