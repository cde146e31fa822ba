import { test } from 'node:test'
import {
  bundleWorld,
  editCheckpoint,
  entryOf,
  proofOf,
  refuses,
  stampsOf,
  type Tamper,
  trustIn,
  turned,
  write,
} from './fixtures.test.ts'

const world = bundleWorld()

const cases: readonly [string, Tamper, RegExp][] = [
  [
    'log entry missing',
    (b) => {
      b.verificationMaterial.tlogEntries = []
    },
    /stands in no transparency log/,
  ],
  [
    'log entry and timestamp missing',
    (b) => {
      b.verificationMaterial.tlogEntries = []
      stampsOf(b).length = 0
    },
    /time of its signature is not proven/,
  ],
  [
    'log entry of another artifact',
    (b, w) => {
      b.verificationMaterial.tlogEntries = w.read('other').verificationMaterial.tlogEntries
    },
    /log entry is of something else/,
  ],
  [
    'log entry of another log',
    (b, w) => {
      b.verificationMaterial.tlogEntries = w.read('strange').verificationMaterial.tlogEntries
    },
    /promise of a transparency log|proof that it stands/,
  ],
  [
    'log entry of the same signature, by another certificate',
    (b, w) => {
      b.verificationMaterial.tlogEntries = [w.forgedEntry(b)]
    },
    /names another key or certificate/,
  ],
  [
    'log entry twice',
    (b) => {
      b.verificationMaterial.tlogEntries.push(entryOf(b))
    },
    /duplicate timestamp/,
  ],
  [
    'nine log entries',
    (b) => {
      b.verificationMaterial.tlogEntries = Array.from({ length: 9 }, () => entryOf(b))
    },
    /at most 8/,
  ],
  [
    'log entry without a body',
    (b) => {
      delete entryOf(b).canonicalizedBody
    },
    /canonicalizedBody/,
  ],
  [
    'body of another log entry',
    (b, w) => {
      entryOf(b).canonicalizedBody = w.entry('other').canonicalizedBody!
    },
    /promise of a transparency log/,
  ],
  [
    'kind of the log entry',
    (b) => {
      entryOf(b).kindVersion.kind = 'intoto'
    },
    /log entry is of something else/,
  ],
  [
    'version of the log entry',
    (b) => {
      entryOf(b).kindVersion.version = '0.0.9'
    },
    /log entry is of something else/,
  ],
  [
    'promise of the log (SET) changed',
    (b) => {
      entryOf(b).inclusionPromise!.signedEntryTimestamp = turned(entryOf(b).inclusionPromise!.signedEntryTimestamp)
    },
    /promise of a transparency log/,
  ],
  [
    'promise of the log of another entry',
    (b, w) => {
      entryOf(b).inclusionPromise = w.entry('other').inclusionPromise!
    },
    /promise of a transparency log/,
  ],
  [
    'promise and timestamp missing: nothing proves the time',
    (b) => {
      delete entryOf(b).inclusionPromise
      stampsOf(b).length = 0
    },
    /time of its signature is not proven/,
  ],
  [
    'inclusion proof missing',
    (b) => {
      delete entryOf(b).inclusionProof
    },
    /inclusionProof/,
  ],
  [
    'log id changed',
    (b) => {
      entryOf(b).logId.keyId = turned(entryOf(b).logId.keyId)
    },
    /promise of a transparency log/,
  ],
  [
    'log index changed',
    (b) => {
      entryOf(b).logIndex = '7'
    },
    /promise of a transparency log/,
  ],
  [
    'integrated time changed',
    (b) => {
      entryOf(b).integratedTime = String(Number(entryOf(b).integratedTime) + 1)
    },
    /promise of a transparency log/,
  ],
  [
    'integrated time is no number',
    (b) => {
      entryOf(b).integratedTime = 'soon'
    },
    /want a whole number/,
  ],
  [
    'a hash of the inclusion proof',
    (b) => {
      proofOf(b).hashes[0] = turned(proofOf(b).hashes[0]!)
    },
    /proof that it stands/,
  ],
  [
    'a hash of the inclusion proof missing',
    (b) => {
      proofOf(b).hashes.pop()
    },
    /proof that it stands/,
  ],
  [
    'a hash of the inclusion proof too many',
    (b) => {
      proofOf(b).hashes.push(proofOf(b).hashes[0]!)
    },
    /proof that it stands/,
  ],
  [
    'an inclusion proof without end',
    (b) => {
      proofOf(b).hashes = Array.from({ length: 65 }, () => proofOf(b).rootHash)
    },
    /at most 64/,
  ],
  [
    'place in the inclusion proof',
    (b) => {
      proofOf(b).logIndex = String(Number(proofOf(b).logIndex) - 1)
    },
    /proof that it stands/,
  ],
  [
    'size of the tree',
    (b) => {
      proofOf(b).treeSize = '3'
    },
    /another tree than its checkpoint/,
  ],
  [
    'root hash of the inclusion proof',
    (b) => {
      proofOf(b).rootHash = turned(proofOf(b).rootHash)
    },
    /another tree than its checkpoint/,
  ],
  [
    'inclusion proof of another entry',
    (b, w) => {
      entryOf(b).inclusionProof = proofOf(w.read('other'))
    },
    /proof that it stands/,
  ],
  [
    'checkpoint of another tree',
    (b, w) => {
      proofOf(b).checkpoint = proofOf(w.read('other')).checkpoint
    },
    /another tree than its checkpoint/,
  ],
  [
    'root hash in the checkpoint',
    (b) => {
      editCheckpoint(b, (lines) => {
        lines[2] = turned(lines[2]!)
      })
    },
    /another tree than its checkpoint/,
  ],
  [
    'size in the checkpoint',
    (b) => {
      editCheckpoint(b, (lines) => {
        lines[1] = '99'
      })
    },
    /another tree than its checkpoint/,
  ],
  [
    'root hash of the inclusion proof and in the checkpoint',
    (b) => {
      proofOf(b).rootHash = turned(proofOf(b).rootHash)
      editCheckpoint(b, (lines) => lines.splice(2, 1, proofOf(b).rootHash))
    },
    /proof that it stands/,
  ],
  [
    'size of the tree and in the checkpoint',
    (b) => {
      proofOf(b).treeSize = '99'
      editCheckpoint(b, (lines) => lines.splice(1, 1, '99'))
    },
    /proof that it stands/,
  ],
  [
    'signature of the checkpoint',
    (b) => {
      editCheckpoint(b, (lines) => {
        lines[4] = lines[4]!.replace(/\S+$/, (sig) => turned(sig))
      })
    },
    /proof that it stands/,
  ],
  [
    'key hint of the checkpoint',
    (b) => {
      editCheckpoint(b, (lines) => {
        lines[4] = lines[4]!.replace(/\S+$/, (sig) => turned(sig, 0))
      })
    },
    /proof that it stands/,
  ],
  [
    'checkpoint without signature',
    (b) => {
      editCheckpoint(b, (lines) => {
        lines.splice(4, 1)
      })
    },
    /proof that it stands/,
  ],
  [
    'a pattern that takes for ever as the name in the checkpoint',
    (b) => {
      editCheckpoint(b, (lines) => {
        lines[4] = lines[4]!.replace(/ \S+ /, ' ((.+)+)+X ')
      })
    },
    /no log.s/,
  ],
  [
    'timestamp of another signature',
    (b, w) => {
      b.verificationMaterial.timestampVerificationData = w.read('other').verificationMaterial.timestampVerificationData!
    },
    /time of its signature is not proven/,
  ],
  [
    'timestamp of another authority',
    (b, w) => {
      b.verificationMaterial.timestampVerificationData =
        w.read('strange').verificationMaterial.timestampVerificationData!
    },
    /time of its signature is not proven/,
  ],
  [
    'a bit of the timestamp',
    (b) => {
      stampsOf(b)[0]!.signedTimestamp = turned(stampsOf(b)[0]!.signedTimestamp)
    },
    /time of its signature is not proven|cannot be read/,
  ],
  [
    'timestamp cut',
    (b) => {
      stampsOf(b)[0]!.signedTimestamp = stampsOf(b)[0]!.signedTimestamp.slice(0, 200)
    },
    /cannot be read|could not be verified/,
  ],
  [
    'timestamp twice',
    (b) => {
      stampsOf(b).push(stampsOf(b)[0]!)
    },
    /duplicate timestamp/,
  ],
]

for (const [what, tamper, reason] of cases) {
  test(`a bundle is refused for what was tampered with: ${what}`, () => {
    const bundle = world().read('good')
    tamper(bundle, world())
    refuses(() => trustIn(world().sigstore.trustedRoot).bundle(write(bundle), 'it'), reason)
  })
}
