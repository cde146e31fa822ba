export { resolveAccount } from './account.ts'
export {
  type ComparedImages,
  type ComparedTest,
  compareReports,
  formatComparison,
  formatComparisonJson,
  formatComparisonJunit,
  hasNoRegression,
  type TestComparison,
} from './comparison.ts'
export {
  type Contract,
  contractDifferences,
  contractLabel,
  contractLabels,
  contractSchema,
  declaredContract,
  effectiveContract,
  formatContract,
  parseContract,
} from './contract.ts'
export { type ContractChange, contractChanges, isBreaking } from './contract-changes.ts'
export { SandboxError, type SandboxErrorCode } from './errors.ts'
export { parseImageConfig } from './image-config.ts'
export { type ImageTest, parseImageTest, parseImageTests } from './image-test.ts'
export { imageTestSchema, type WrittenImageTest } from './image-test-schema.ts'
export type { InheritanceOptions } from './io/inheritance.ts'
export type { KnownFile, KnownImage } from './io/known-files.ts'
export { pickSandbox, sandboxes } from './io/pick-sandbox.ts'
export type { TestableImage } from './io/prepared-image.ts'
export type { ImageLayer } from './io/rootfs.ts'
export { type Program, type ProgramResult, type ProgramRun, runPrograms } from './io/run-programs.ts'
export { type TestImageOptions, testImage } from './io/test-image.ts'
export { formatJunit } from './junit.ts'
export type { Outcome } from './outcome.ts'
export type { PassedResult, ResultMemory } from './result-memory.ts'
export type { Sandbox } from './sandbox.ts'
export { parseStructureTest, type StructureSurroundings, type StructureTestFile } from './structure-test.ts'
export { helpersOf, inputsOf, keyOfResult, type TestInput, type TestSubject } from './test-inputs.ts'
export { formatTestJson, formatTestTable, hasPassed, type TestReport, type TestResult } from './test-report.ts'
export { judge, type Verdict } from './verdict.ts'
