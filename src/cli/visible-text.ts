export { visibleText } from '#core'
