import type { Facts } from '../fact-shapes.ts'
import type { Outcome } from '../verdict.ts'

/** What a thread is sent: the facts that hold from now on, or one expression with its policy's values. */
export type EvaluationTask =
  | { readonly facts: Partial<Facts> }
  | { readonly expression: string; readonly values: Readonly<Record<string, unknown>> }

/** A thread says that it is ready when it has started and when it has taken over facts, and gives an outcome for each expression. */
export type EvaluationAnswer = 'ready' | Outcome
