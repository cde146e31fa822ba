import { parentPort } from 'node:worker_threads'
import { celFacts, celValues, evaluateExpression } from '../expression.ts'
import type { Outcome } from '../verdict.ts'
import type { EvaluationAnswer, EvaluationTask } from './evaluation-task.ts'

/** Texts of one verdict that anybody reads, and characters of each. */
const MOST_TEXTS = 1000
const LONGEST_TEXT = 2000

let known: Readonly<Record<string, unknown>> = {}

/** The thread's side of `evaluate.ts`: one task in, one answer out. */
parentPort?.on('message', (task: EvaluationTask) => {
  if ('facts' in task) known = celFacts(task.facts)
  answer('facts' in task ? 'ready' : outcomeOf(task.expression, task.values))
})
answer('ready')

function answer(message: EvaluationAnswer): void {
  parentPort?.postMessage(message)
}

function outcomeOf(expression: string, values: Readonly<Record<string, unknown>>): Outcome {
  try {
    const result = evaluateExpression(expression, { ...known, values: celValues(values) })
    if (typeof result === 'boolean') return { kind: 'bool', value: result }
    if (Array.isArray(result) && result.every((text) => typeof text === 'string')) {
      const texts = result.slice(0, MOST_TEXTS).map((text) => text.slice(0, LONGEST_TEXT))
      return { kind: 'texts', texts, count: result.length }
    }
    return { kind: 'failed', code: 'POLICY_FAILED', reason: `gave ${typeof result}, want true, false or texts` }
  } catch (error) {
    const said = error instanceof Error && 'summary' in error ? String(error.summary) : String(error)
    return { kind: 'failed', code: 'POLICY_FAILED', reason: `erred: ${said.slice(0, LONGEST_TEXT)}` }
  }
}
