// What can be done with the runs that are selected.
import { useState } from 'preact/hooks'
import { send } from '../../api.js'
import { joined } from '../../columns.js'
import { toClipboard } from '../../copy.js'
import { useJson } from '../../data.js'
import { Dialog } from '../../dialog.js'
import { counted } from '../../format.js'
import { html } from '../../html.js'
import { Menu } from '../../menu.js'
import { notify } from '../../notice.js'
import { link, navigate } from '../../router.js'
import { count, select, selectedRuns, selection } from '../../selection.js'
import { csv, fetchAll, save, tableRows } from '../../export.js'

/** @typedef {import('../../rows.js').Rows} Rows */

/** @param {{exp: string, rows: Rows}} given */
export function Bar({ exp, rows }) {
  const [asks, setAsks] = useState('')
  const { ids, all } = selection.value
  const compare = all || ids.length > 50 ? link('/compare', { exp, where: all?.where, top: count.value }) : link('/compare', { runs: ids.map((id) => id.slice(0, 12)).join(',') })
  const remove = async () => {
    if (await changeRuns('delete', {}, (done) => `${counted(done, 'run')} deleted`, rows)) select([])
  }
  const table = async () => {
    const found = await fetchAll({ ...(all ? { exp, where: all.where } : { ids: ids.join(',') }), cols: shownColumns(rows) })
    return all?.but?.length ? without(found, new Set(all.but)) : found
  }
  const saveCsv = async () => save(`${exp}.csv`, csv(tableRows(await table())), 'text/csv')
  const json = async () => save(`${exp}.json`, JSON.stringify(await table(), null, 1), 'application/json')
  const pandas = () => {
    const filter = all ? all.where : ids.length <= 200 ? `run_id IN (${ids.map((id) => `'${id}'`).join(', ')})` : ''
    void toClipboard(`autotrack.Client(${JSON.stringify(location.origin)}).search_runs(${filter ? `${JSON.stringify(filter)}, ` : ''}experiments=[${JSON.stringify(exp)}]).to_pandas()`)
    notify('A line of Python is on the clipboard')
  }
  return html`<footer class="selected" aria-label="selected runs">
    <b>${counted(count.value, 'run')} selected</b>
    <button class="main" disabled=${count.value < 2} onClick=${() => navigate(compare)}>Compare</button>
    <button onClick=${() => setAsks('tag')}>Tag</button>
    <button onClick=${() => setAsks('move')}>Move</button>
    <button onClick=${remove}>Delete</button>
    <${Menu} label="Export">${(/** @type {() => void} */ close) => html`<div class="choices" onClick=${close}><button onClick=${saveCsv}>CSV</button><button onClick=${json}>JSON</button><button onClick=${pandas}>Copy a line for pandas</button></div>`}<//>
    <button class="quiet" onClick=${() => select([])}>Clear</button>
    ${asks === 'tag' && html`<${Tagging} close=${() => setAsks('')} rows=${rows} />`}
    ${asks === 'move' && html`<${Moving} close=${() => setAsks('')} rows=${rows} exp=${exp} />`}
  </footer>`
}

/**
 * Changes the selected runs in one request; what undoes it is offered for a while.
 * @param {'delete' | 'tags' | 'move'} what @param {any} body @param {(count: number) => string} said @param {Rows} rows
 */
async function changeRuns(what, body, said, rows) {
  try {
    const { count: done, undo, undo_path: path } = await send('POST', `/runs/${what}`, { ...selectedRuns(), ...body })
    const back = async () => {
      try {
        for (const each of undo) await send('POST', path.replace('/api/v1', ''), each)
        notify('Undone')
      } catch (error) {
        notify(/** @type {Error} */ (error).message, { bad: true })
      }
      await rows.reload()
    }
    notify(said(done), { undo: undo.length ? () => void back() : undefined })
    await rows.reload()
    return true
  } catch (error) {
    notify(/** @type {Error} */ (error).message, { bad: true })
    return false
  }
}

/** @param {Rows} rows */
function shownColumns(rows) {
  const window = [...rows.windows.values()].find(Boolean)
  return joined(Object.keys(window?.cols ?? { name: [] }))
}

/** @param {{ids: string[], cols: Record<string, any[]>}} table @param {Set<string>} out */
function without({ ids, cols }, out) {
  const kept = (/** @type {any[]} */ values) => values.filter((_, index) => !out.has(ids[index]))
  return { ids: kept(ids), cols: Object.fromEntries(Object.entries(cols).map(([key, values]) => [key, kept(values)])) }
}

/** @param {{close: () => void, rows: Rows}} given */
function Tagging({ close, rows }) {
  const go = async (/** @type {any} */ event) => {
    event.preventDefault()
    const { key, value } = Object.fromEntries(new FormData(event.target))
    if (await changeRuns('tags', { set: { [String(key)]: value } }, (done) => `${counted(done, 'run')} tagged ${key}`, rows)) close()
  }
  return html`<${Dialog} title="Tag the selected runs" close=${close}>
    <form class="fields" onSubmit=${go}>
      <label>Key <input name="key" required maxlength="250" /></label>
      <label>Value <input name="value" /></label>
      <button class="main">Tag</button>
    </form>
  <//>`
}

/** @param {{close: () => void, rows: Rows, exp: string}} given */
function Moving({ close, rows, exp }) {
  const found = useJson('/experiments')
  const others = (found.data?.experiments ?? []).filter((/** @type {any} */ each) => each.name !== exp && each.id !== exp)
  const go = async (/** @type {any} */ event) => {
    event.preventDefault()
    const to = others.find((/** @type {any} */ each) => each.id === event.target.elements.to.value)
    if (await changeRuns('move', { experiment: to.id }, (done) => `${counted(done, 'run')} moved to ${to.name}`, rows)) {
      select([])
      close()
    }
  }
  return html`<${Dialog} title="Move the selected runs" close=${close}>
    <form class="fields" onSubmit=${go}>
      <label>To <select name="to" required>${others.map((/** @type {any} */ each) => html`<option key=${each.id} value=${each.id}>${each.name}</option>`)}</select></label>
      <button class="main" disabled=${!others.length}>Move</button>
    </form>
  <//>`
}
