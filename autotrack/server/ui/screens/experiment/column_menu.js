// Which columns are shown.
import { useState } from 'preact/hooks'
import { heading, joined } from '../../columns.js'
import { html } from '../../html.js'
import { useKeys } from '../../keys.js'
import { Menu } from '../../menu.js'
import { change } from '../../router.js'
import { columnsOf } from './run_table.js'

const ATTRIBUTES = ['start', 'end', 'duration', 'user', 'commit', 'parent', 'children', 'session', 'error']

/** @param {{rows: import('../../rows.js').Rows, columns: string}} given `columns`: the address's own, or '' */
export function ColumnMenu({ rows, columns }) {
  const [open, setOpen] = useState(false)
  const [words, setWords] = useState('')
  useKeys([{ keys: 'c', does: 'choose columns', run: () => setOpen(true) }])
  const { metrics = [], params = [], tags = [], cols = [], constant = {} } = rows.now.chosen ?? {}
  const shown = ['name', 'status', ...columnsOf(rows)]
  const groups = [
    ['Metrics', metrics.map((/** @type {string} */ key) => `m.${key}`)],
    ['Params that vary', params.map((/** @type {string} */ key) => `p.${key}`).filter((/** @type {string} */ key) => !(key in constant))],
    ['The same everywhere', Object.keys(constant)],
    ['Attributes', ATTRIBUTES],
    ['Tags', tags.map((/** @type {string} */ key) => `t.${key}`)],
  ]
  const set = (/** @type {string[]} */ keys) => change({ cols: joined(keys) }, { replace: true })
  const turn = (/** @type {string} */ key) => set(shown.includes(key) ? shown.filter((each) => each !== key) : [...shown, key])
  const move = (/** @type {string} */ key, /** @type {string} */ before) => {
    const rest = shown.filter((each) => each !== key)
    rest.splice(rest.indexOf(before), 0, key)
    set(rest)
  }
  return html`<${Menu} label="Columns" title="Choose columns (c)" align="right" open=${open} onOpen=${setOpen}>
    ${() => html`<div class="choose">
      <input type="search" placeholder="search columns" aria-label="search columns" value=${words} autofocus onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
      <button disabled=${!columns} onClick=${() => change({ cols: null })}>As chosen by autotrack</button>
      <button onClick=${() => set(['name', 'status', 'start', 'duration', ...cols.filter((/** @type {string} */ key) => /^[mp]\./.test(key))])}>Only what varies</button>
      ${groups.map(([title, keys]) => {
        const found = keys.filter((/** @type {string} */ key) => heading(key).toLowerCase().includes(words.toLowerCase()))
        return found.length > 0 && html`<fieldset key=${title}><legend>${title} <button class="quiet" onClick=${() => set([...new Set([...shown, ...found])])}>all</button></legend>
          ${found.slice(0, 300).map((/** @type {string} */ key) => html`<label key=${key} draggable=${shown.includes(key)} title=${key}
            onDragStart=${(/** @type {DragEvent} */ event) => event.dataTransfer?.setData('text/plain', key)} onDragOver=${(/** @type {Event} */ event) => event.preventDefault()}
            onDrop=${(/** @type {DragEvent} */ event) => move(event.dataTransfer?.getData('text/plain') ?? '', key)}>
            <input type="checkbox" checked=${shown.includes(key)} onChange=${() => turn(key)} /> ${heading(key)}</label>`)}
        </fieldset>`
      })}
    </div>`}
  <//>`
}
