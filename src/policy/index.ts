export { PolicyError, type PolicyErrorCode } from './errors.ts'
export { applyExceptions, type Excepted, type GateException, parseExceptions } from './exceptions.ts'
export {
  type Established,
  type EstablishedFacts,
  type FactRecord,
  type Facts,
  GROUP_NAMES,
  type GroupName,
} from './fact-shapes.ts'
export { type ConfiguredImage, configFacts, contractFacts } from './facts/config-facts.ts'
export { EVIDENCE_NOT_ASKED, evidenceFacts, type JudgedImage, testFacts } from './facts/evidence-facts.ts'
export { type Declared, declaredBy, fileFacts, NOTHING_DECLARED } from './facts/file-facts.ts'
export { type FixDates, findingFacts } from './facts/finding-facts.ts'
export { applicationFacts, licenceFacts, packageFacts } from './facts/package-facts.ts'
export { type ImageSecrets, secretFacts } from './facts/secret-facts.ts'
export { factTables } from './facts-page.ts'
export { DEFAULT_POLICIES, readDefaultPolicies } from './io/default-policies.ts'
export { type EvaluationLimits, type Evaluator, openEvaluator } from './io/evaluate.ts'
export { groupsOf, judgePolicies } from './judge.ts'
export { type Policy, type PolicyTest, parsePolicies } from './policy-file.ts'
export { type PolicyTestResult, testPolicy } from './policy-test.ts'
export { sampleFacts } from './sample-facts.ts'
export { type Evaluate, type Gate, type GateVerdict, isClosed, type Outcome } from './verdict.ts'
