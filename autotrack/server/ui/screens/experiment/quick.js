// Conditions that are asked for so often that one click adds them to the filter.
import { both, condition, isAsked, named, parts } from '../../conditions.js'
import { html } from '../../html.js'
import { Menu } from '../../menu.js'
import { change } from '../../router.js'

const STATUS = ['RUNNING', 'FINISHED', 'FAILED', 'CRASHED', 'KILLED']
/** @type {[string, number][]} */
const SPANS = [['the last hour', 3600e3], ['the last day', 86_400e3], ['the last 7 days', 7 * 86_400e3], ['the last 30 days', 30 * 86_400e3]]

/** A button with conditions to add, and those that hold as chips that one click takes out. @param {{rows: import('../../rows.js').Rows, where: string}} given */
export function Quick({ rows, where }) {
  const { tags = [] } = rows.now.chosen ?? {}
  const users = rows.values('user')
  const add = (/** @type {string} */ more) => change({ where: both(where, more), open: null })
  const since = (/** @type {number} */ span) => `start > '${new Date(Date.now() - span).toISOString().slice(0, 19)}Z'`
  const offer = (/** @type {string} */ title, /** @type {[string, () => string][]} */ choices) => choices.length > 0 && html`<fieldset key=${title}><legend>${title}</legend><div class="choices">
    ${choices.map(([text, more]) => html`<button key=${text} onClick=${() => add(more())}>${text}</button>`)}</div></fieldset>`
  return html`<${Menu} label="Filter" title="Add a condition">${() => html`<div class="choose narrow">
    ${offer('Status', STATUS.map((each) => [each.toLowerCase(), () => condition('status', each)]))}
    ${offer('Started in', SPANS.map(([text, span]) => [text, () => since(span)]))}
    ${isAsked('user') && offer('User', users.slice(0, 10).map((/** @type {string} */ each) => [each, () => condition('user', each)]))}
    ${offer('Has the tag', tags.filter((/** @type {string} */ key) => !/^(mlflow|autotrack)\./.test(key)).slice(0, 20).map((/** @type {string} */ key) => [key, () => `${named(`t.${key}`)} is not null`]))}
  </div>`}<//>`
}

/** The conditions that hold, each with a button that takes it out. @param {{where: string}} given */
export function Conditions({ where }) {
  const all = parts(where)
  if (all.length < 2) return null
  return html`<p class="conditions">${all.map((each, index) => html`<button key=${each} class="chip" title=${`take out ${each}`} onClick=${() => change({ where: all.filter((_, at) => at !== index).join(' and '), open: null })}>${each} <span aria-hidden="true">×</span></button>`)}</p>`
}
