// What went in: tables with their fingerprints, files with their sha256.
import { send } from '../../api.js'
import { useData } from '../../data.js'
import { CsvButton } from '../../export.js'
import { counted, NOTHING, number, size } from '../../format.js'
import { html } from '../../html.js'
import { Empty, Part } from '../../states.js'

/** @param {{run: any, parts: any}} given */
export function Data({ run, parts }) {
  const tables = run.datasets ?? []
  const files = useData(run.session ? `files:${run.session}` : null, async () => (await send('POST', '/files/search', { sessions: [run.session] })).files)
  return html`<div class="data">
    ${(parts.files?.gaps ?? []).map((/** @type {any} */ gap) => html`<p class="gap">${gap.what}${gap.close && html`: ${gap.close}`}</p>`)}
    <section><h2>Tables</h2>${tables.length ? tables.map((/** @type {any} */ each) => html`<${Table} of=${each} />`) : html`<p class="muted">No table was seen. A table is seen where it is fitted on, or with <code>run.log_dataset(table)</code>.</p>`}</section>
    <section><h2>Files</h2><${Part} of=${files} what="the files">${(/** @type {any[]} */ found) => (found.length ? html`<${Files} found=${found} />` : html`<${Empty} line="autotrack run train.py">No file was seen to be read or written. All of them are, with:<//>`)}<//></section>
  </div>`
}

/** @param {{of: any}} given */
function Table({ of }) {
  const columns = Object.entries(of.columns ?? {})
  return html`<div class="card table"><h3>${of.name || 'table'} <span class="chip">${of.context}</span></h3>
    <p>${of.rows !== null && html`${number(of.rows)} rows, `}${counted(columns.length, 'column')}${of.bytes ? `, ${size(of.bytes)}` : ''} · <code title="a digest of all of it">${of.digest}</code>${of.kind && ` · ${of.kind}`}</p>
    ${of.source && html`<p class="muted">from ${of.source}</p>`}${of.partial && html`<p class="gap">${of.partial}</p>`}
    ${columns.length > 0 && html`<details><summary>columns</summary><table class="list"><tbody>${columns.map(([name, type]) => html`<tr key=${name}><td>${name}</td><td class="mono muted">${type}</td></tr>`)}</tbody></table></details>`}
  </div>`
}

/** @param {{found: any[]}} given */
function Files({ found }) {
  const rows = () => [['file', 'was', 'size', 'sha256'], ...found.map((each) => [each.path, each.role, each.size, each.sha256])]
  return html`<p><${CsvButton} name="files" rows=${rows} /></p><table class="list"><thead><tr><th>file</th><th>was</th><th class="number">size</th><th>sha256</th></tr></thead><tbody>${found.slice(0, 2000).map((each) => html`<tr key=${each.path + each.role}><td class="mono">${each.path}</td><td>${each.role}</td><td class="number">${size(each.size)}</td><td class="mono" title=${each.sha256 ?? ''}>${each.sha256 ? each.sha256.slice(0, 16) : (each.partial ?? NOTHING)}</td></tr>`)}</tbody></table>`
}
