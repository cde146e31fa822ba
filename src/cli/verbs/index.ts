import type { Verb } from '../verb.ts'
import { advisoriesVerb } from './advisories.ts'
import { buildVerb } from './build.ts'
import { cacheVerb } from './cache.ts'
import { catalogVerb } from './catalog.ts'
import { completionVerb } from './completion.ts'
import { copyVerb } from './copy.ts'
import { diffVerb } from './diff.ts'
import { doctorVerb } from './doctor.ts'
import { evidenceVerbs } from './evidence.ts'
import { explainVerb } from './explain.ts'
import { gateVerbs } from './gate.ts'
import { initVerb } from './init.ts'
import { keygenVerb } from './keygen.ts'
import { ledgerVerb } from './ledger.ts'
import { licensesVerb } from './licenses.ts'
import { lintVerb } from './lint.ts'
import { lockVerb } from './lock.ts'
import { loginVerb } from './login.ts'
import { patchVerb } from './patch.ts'
import { planVerb } from './plan.ts'
import { rebaseVerb } from './rebase.ts'
import { registryVerb } from './registry.ts'
import { releaseVerb } from './release.ts'
import { reproduceVerb } from './reproduce.ts'
import { sbomVerb } from './sbom.ts'
import { scanVerb } from './scan.ts'
import { searchVerb } from './search.ts'
import { signVerbs } from './sign.ts'
import { storeVerb } from './store.ts'
import { testVerb } from './test.ts'
import { tokenVerb } from './token.ts'
import { upVerb } from './up.ts'
import { vexVerb } from './vex.ts'
import { whereVerb } from './where.ts'
import { workerVerb } from './worker.ts'

/** Every verb, in the order of the help. */
export const verbs: readonly Verb[] = [
  initVerb,
  searchVerb,
  buildVerb,
  lockVerb,
  explainVerb,
  testVerb,
  sbomVerb,
  licensesVerb,
  advisoriesVerb,
  scanVerb,
  vexVerb,
  diffVerb,
  whereVerb,
  patchVerb,
  keygenVerb,
  signVerbs,
  evidenceVerbs,
  gateVerbs,
  rebaseVerb,
  lintVerb,
  reproduceVerb,
  storeVerb,
  catalogVerb,
  copyVerb,
  loginVerb,
  registryVerb,
  planVerb,
  upVerb,
  workerVerb,
  releaseVerb,
  ledgerVerb,
  tokenVerb,
  cacheVerb,
  doctorVerb,
  completionVerb,
]
