import type { KeyExpectation, MetadataExpectation, NamedValue } from './expectation.ts'
import type { Pattern } from './pattern.ts'
import type { Scalar, Scalars, WrittenMetadataTest } from './structure-test-schema.ts'

type WrittenValues = readonly { key: string; value: Scalar; isRegex?: boolean }[] | null | undefined

/** What a metadata test of a structure test file wants; `pattern` reads a pattern and throws where it is none. */
export function metadataExpectation(
  test: WrittenMetadataTest,
  pattern: (text: string) => Pattern,
): MetadataExpectation {
  const values = (list: WrittenValues): NamedValue[] =>
    (list ?? []).map(({ key, value, isRegex }) => {
      const text = String(value)
      return { name: key, value: isRegex === true ? { matches: pattern(text) } : { equals: text } }
    })
  const { entrypoint, cmd, workdir = '', user = '' } = test
  return {
    environment: [...values(test.env), ...values(test.envVars)],
    unset: (test.unboundEnvVars ?? []).map(({ key }) => key),
    labels: values(test.labels),
    ports: keys(test.exposedPorts, test.unexposedPorts),
    volumes: keys(test.volumes, test.unmountedVolumes),
    ...(entrypoint && { entrypoint: entrypoint.map(String) }),
    ...(cmd && { cmd: cmd.map(String) }),
    ...(workdir !== '' && { workDir: workdir }),
    ...(user !== '' && { user: String(user) }),
  }
}

function keys(present: Scalars | undefined, absent: Scalars | undefined): KeyExpectation {
  return { present: (present ?? []).map(String), absent: (absent ?? []).map(String) }
}
