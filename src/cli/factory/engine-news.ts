import type { EngineNews } from '#factory'
import { formatDuration, type Terminal } from '../terminal.ts'
import { visibleText } from '../visible-text.ts'

/** Writes a step as a line for people, or as one of JSON. */
export function tellNews(news: EngineNews, { json, now }: { json: boolean; now: string }, terminal: Terminal): void {
  if (json) {
    terminal.print(JSON.stringify({ at: now, ...news }))
    return
  }
  const line = `${now.slice(11, 19)}  ${visibleText(news.image).padEnd(16)} `
  switch (news.kind) {
    case 'started':
      terminal.progress(`${news.image}: ${news.stage} …`)
      return
    case 'done': {
      const how = news.isInherited ? 'as before' : formatDuration(news.milliseconds)
      terminal.print(`${line}${news.stage.padEnd(9)} ${terminal.style('dim', how)}`)
      return
    }
    case 'again': {
      const reason = visibleText(news.reason)
      terminal.print(
        `${line}${news.stage.padEnd(9)} ${terminal.style('yellow', `again in ${formatDuration(news.milliseconds)}`)}: ${reason}`,
      )
      return
    }
    case 'ended': {
      const colour = news.state === 'done' ? 'green' : news.state === 'failed' ? 'red' : 'yellow'
      terminal.print(`${line}${terminal.style(colour, news.state.padEnd(9))} ${visibleText(news.reason)}`)
      return
    }
  }
}
