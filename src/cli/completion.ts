import type { Command, Option } from 'commander'
import { CATEGORIES, catalogueNames, ImageError, openDefinition, PLATFORMS } from '#image'
import { sandboxes } from '#sandbox'
import { UsageError } from './errors.ts'

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_casemate() {
  local IFS=$'\\n'
  COMPREPLY=($(casemate complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null))
}
complete -o default -F _casemate casemate`,
  zsh: `#compdef casemate
_casemate() {
  local -a found
  found=("\${(@f)$(casemate complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  [[ -n "$found[1]" ]] && compadd -- "\${found[@]}" || _files
}
compdef _casemate casemate`,
  fish: `complete -c casemate -f -a '(casemate complete -- (commandline -opc)[2..] (commandline -ct) 2> /dev/null)'`,
}

/** Gives the script that a shell reads. Throws `USAGE_INVALID` for a shell that is not known. */
export function completionScript(shell: string): string {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (script !== undefined) return script
  const known = Object.keys(SCRIPTS).join(', ')
  throw new UsageError('USAGE_INVALID', `cannot write completions for ${shell}: want one of ${known}`)
}

/** Gives what may stand in the place of the last word, of a command line without the program's own name; sorted. */
export async function completions(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const before = words.slice(0, -1)
  const prefix = words.at(-1) ?? ''
  const { command, operands } = followed(program, before)
  const waiting = optionOf(command, before.at(-1) ?? '')
  const candidates =
    waiting !== undefined && takesValue(waiting)
      ? await valuesOf(waiting, operands)
      : prefix.startsWith('-')
        ? visible(command.options).flatMap(({ long }) => long ?? [])
        : await operandsOf(command, operands)
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(prefix)).sort()
}

/** The innermost command that the words name, and its operands. */
function followed(program: Command, words: readonly string[]): { command: Command; operands: readonly string[] } {
  let command = program
  const operands: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    const option = optionOf(command, word)
    if (option !== undefined) {
      if (takesValue(option)) at++
    } else if (!word.startsWith('-')) {
      const inner = operands.length === 0 ? command.commands.find((one) => one.name() === word) : undefined
      if (inner === undefined) operands.push(word)
      else command = inner
    }
  }
  return { command, operands }
}

async function operandsOf(command: Command, operands: readonly string[]): Promise<readonly string[]> {
  if (command.commands.length > 0) {
    return command
      .createHelp()
      .visibleCommands(command)
      .map((inner) => inner.name())
  }
  const { registeredArguments } = command
  const last = registeredArguments.at(-1)
  const argument = registeredArguments[operands.length] ?? (last?.variadic === true ? last : undefined)
  switch (argument?.name()) {
    case 'definition':
    case 'name':
    case 'names':
      return catalogueNames()
    case 'shell':
      return Object.keys(SCRIPTS)
    default:
      return []
  }
}

/** What an option may be given; nothing where the shell knows better, as with files. */
async function valuesOf(option: Option, operands: readonly string[]): Promise<readonly string[]> {
  switch (option.long) {
    case '--variant':
      return variantsOf(operands[0])
    case '--platform':
      return PLATFORMS
    case '--category':
      return CATEGORIES
    case '--sandbox':
      return sandboxes.map(({ name }) => name)
    default:
      return option.argChoices ?? []
  }
}

async function variantsOf(reference: string | undefined): Promise<readonly string[]> {
  if (reference === undefined) return ['runtime', 'dev', 'debug']
  try {
    const { definition } = await openDefinition(reference, { workingFolder: process.cwd() })
    return [...definition.variants.keys()]
  } catch (error) {
    // What is typed so far need not be a definition.
    if (error instanceof ImageError) return []
    throw error
  }
}

function optionOf(command: Command, word: string): Option | undefined {
  return command.options.find((option) => word !== '' && (option.long === word || option.short === word))
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

function visible(options: readonly Option[]): readonly Option[] {
  return options.filter(({ hidden }) => !hidden)
}
