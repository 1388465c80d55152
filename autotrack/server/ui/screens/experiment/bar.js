// What can be done with the runs that are selected.
import { useState } from 'preact/hooks'
import { send } from '../../api.js'
import { joined } from '../../columns.js'
import { toClipboard } from '../../copy.js'
import { Dialog } from '../../dialog.js'
import { counted } from '../../format.js'
import { html } from '../../html.js'
import { Menu } from '../../menu.js'
import { attempt, notify } from '../../notice.js'
import { link, navigate } from '../../router.js'
import { count, select, selection } from '../../selection.js'
import { fetchAll, save, toCsv } from '../../export.js'

/** @param {{exp: string, where: string, rows: import('../../rows.js').Rows}} given */
export function Bar({ exp, where, rows }) {
  const [tagging, setTagging] = useState(false)
  const { ids, all } = selection.value
  const which = all ? { exp, where } : { ids: ids.join(',') }
  const compare = all || ids.length > 50 ? link('/compare', { exp, where, top: all ? undefined : ids.length }) : link('/compare', { runs: ids.map((id) => id.slice(0, 12)).join(',') })
  const named = async () => (all ? (await fetchAll({ exp, where, cols: 'name' })).ids : ids)
  const remove = async () => {
    const gone = await named()
    const done = await attempt(
      () => send('POST', '/runs/delete', { ids: gone }),
      `${counted(gone.length, 'run')} deleted`,
      async () => { await send('POST', '/runs/restore', { ids: gone }); await rows.reload(0, 1) },
    )
    if (done) {
      select([])
      await rows.reload(0, 1)
    }
  }
  const csv = async () => save(`${exp}.csv`, toCsv(await fetchAll({ ...which, cols: columns(rows) })), 'text/csv')
  const json = async () => save(`${exp}.json`, JSON.stringify(await fetchAll({ ...which, cols: columns(rows) }), null, 1), 'application/json')
  const pandas = () => {
    void toClipboard(`autotrack.Client(${JSON.stringify(location.origin)}).search_runs(${where ? `${JSON.stringify(where)}, ` : ''}experiments=[${JSON.stringify(exp)}]).to_pandas()`)
    notify('A line of Python is on the clipboard')
  }
  return html`<footer class="selected" aria-label="selected runs">
    <b>${counted(count.value, 'run')} selected</b>
    <button class="main" disabled=${count.value < 2} onClick=${() => navigate(compare)}>Compare</button>
    <button onClick=${() => setTagging(true)}>Tag</button>
    <button onClick=${remove}>Delete</button>
    <${Menu} label="Export">${(/** @type {() => void} */ close) => html`<div class="choices" onClick=${close}><button onClick=${csv}>CSV</button><button onClick=${json}>JSON</button><button onClick=${pandas}>Copy a line for pandas</button></div>`}<//>
    <button class="quiet" onClick=${() => select([])}>Clear</button>
    ${tagging && html`<${Tagging} close=${() => setTagging(false)} named=${named} rows=${rows} />`}
  </footer>`
}

/** @param {import('../../rows.js').Rows} rows */
function columns(rows) {
  const window = [...rows.windows.values()].find(Boolean)
  return joined(Object.keys(window?.cols ?? { name: [] }))
}

/** @param {{close: () => void, named: () => Promise<string[]>, rows: any}} given */
function Tagging({ close, named, rows }) {
  const [key, setKey] = useState('')
  const [value, setValue] = useState('')
  const go = async (/** @type {Event} */ event) => {
    event.preventDefault()
    const ids = await named()
    if (await attempt(() => send('POST', '/runs/tag', { ids, set: { [key]: value } }), `${counted(ids.length, 'run')} tagged ${key}`)) {
      close()
      await rows.reload(0, 1)
    }
  }
  return html`<${Dialog} title="Tag the selected runs" close=${close}>
    <form class="fields" onSubmit=${go}>
      <label>Key <input required maxlength="250" value=${key} onInput=${(/** @type {any} */ event) => setKey(event.target.value)} /></label>
      <label>Value <input value=${value} onInput=${(/** @type {any} */ event) => setValue(event.target.value)} /></label>
      <button class="main">Tag</button>
    </form>
  <//>`
}
