import { OciError } from '../errors.ts'
import { type JsonObject, parseDocument } from '../json-document.ts'
import { isRepository, isTag } from '../reference.ts'
import { type ContentDigest, readContentDigest } from './content-digest.ts'
import { Refusal } from './refusal.ts'
import type { RepositoryTagMove } from './tag-store.ts'

/** The path at which our registries move tags of several repositories together. */
export const TAG_MOVES_PATH = '/v2/_casemate/tag-moves'

/** Writes moves as `readTagMoves` reads them. */
export function formatTagMoves(moves: readonly RepositoryTagMove[]): string {
  return JSON.stringify({
    moves: moves.map(({ repository, tag, expected, next }) => ({
      ...{ repository, tag },
      ...(expected === undefined ? {} : { expected }),
      ...(next === undefined ? {} : { next }),
    })),
  })
}

/** Reads moves that a client asks for. Throws a `Refusal` for what is no list of them, and for a tag that is to move twice. */
export function readTagMoves(bytes: Uint8Array): readonly RepositoryTagMove[] {
  try {
    const moves = parseDocument(bytes, 'the moves of tags').objects('moves').map(readMove)
    const names = new Set(moves.map(({ repository, tag }) => `${repository}:${tag}`))
    if (names.size < moves.length) throw invalid('a tag is to move twice')
    return moves
  } catch (error) {
    if (error instanceof Refusal || !(error instanceof OciError)) throw error
    throw new Refusal('MANIFEST_INVALID', error.message, { cause: error })
  }
}

function readMove(move: JsonObject): RepositoryTagMove {
  const [repository, tag] = [move.text('repository'), move.text('tag')]
  if (!isRepository(repository)) throw invalid(`${move.place}.repository is no name of a repository`)
  if (!isTag(tag)) throw invalid(`${move.place}.tag is no tag`)
  return { repository, tag, expected: digestAt(move, 'expected'), next: digestAt(move, 'next') }
}

function digestAt(move: JsonObject, key: string): ContentDigest | undefined {
  const text = move.optionalText(key)
  if (text === undefined) return undefined
  const digest = readContentDigest(text)
  if (digest === undefined) throw invalid(`${move.place}.${key} is no sha256 or sha512 digest`)
  return digest
}

function invalid(reason: string): Refusal {
  return new Refusal('MANIFEST_INVALID', `cannot move tags: ${reason}`)
}
