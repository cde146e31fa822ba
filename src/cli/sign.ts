import { attachTogether } from '#evidence'
import { type ExitStatus, exitStatus } from './exit-status.ts'
import { everySubject, findSubjects, nameToSign } from './image-subjects.ts'
import { type SigningOptions, signatoryOf, signingNow } from './signatory.ts'
import type { Terminal } from './terminal.ts'

/** The options of `casemate sign`, as the command line gives them. */
export interface SignOptions extends SigningOptions {
  readonly signedAs?: string
  readonly renew?: boolean
  readonly json?: boolean
}

/** Signs an image in a registry: its index and each platform's manifest. Rejects as `findSubjects`, `signatoryOf` and the registry do. */
export async function runSign(reference: string, options: SignOptions, terminal: Terminal): Promise<ExitStatus> {
  const signatory = await signatoryOf(options)
  const image = await findSubjects(reference)
  try {
    const signedAs = nameToSign(image, options.signedAs)
    const signing = signingNow({ repository: image.repository, signatory, signedAs, renews: options.renew === true })
    const subjects = everySubject(image)
    const reports = await attachTogether(
      subjects.map(({ subject }) => ({ subject, statements: [], isSigned: true, signing })),
    )
    const signed = subjects.map(({ title, subject: { digest } }, at) => {
      return { title, digest, outcome: reports[at]?.signature ?? 'present' }
    })
    if (options.json === true) {
      terminal.print(
        JSON.stringify({ schema: 'casemate.sign/v1', signedAs, signedBy: signatory.name, signed }, null, 2),
      )
      return exitStatus.done
    }
    for (const { title, digest, outcome } of signed) {
      terminal.print(`${outcome === 'attached' ? 'signed' : 'was signed already'}  ${title.padEnd(14)} ${digest}`)
    }
    terminal.print(`by ${signatory.name}, as ${signedAs}`)
    return exitStatus.done
  } finally {
    await image.repository.close()
  }
}
