// Runs in groups: how many there are of each value, and what came of them.
import { heading } from '../../columns.js'
import { both, condition } from '../../conditions.js'
import { useJson } from '../../data.js'
import { CsvButton } from '../../export.js'
import { counted, NOTHING, number } from '../../format.js'
import { html } from '../../html.js'
import { changed } from '../../router.js'
import { Part } from '../../states.js'

/** @param {{asked: any, group: string}} given */
export function Groups({ asked, group }) {
  const found = useJson('/table', { exp: asked.exp, where: asked.where, sort: asked.sort, group, limit: 1000 }, { keep: true })
  return html`<${Part} of=${found} what="the groups">${(/** @type {any} */ data) => html`<${Shown} data=${data} group=${group} where=${asked.where} />`}<//>`
}

/** @param {{data: any, group: string, where: string}} given */
function Shown({ data, group, where }) {
  const keys = [...new Set(data.groups.flatMap((/** @type {any} */ each) => Object.keys(each.metrics)))]
  const main = data.chosen?.main
  const order = main ? [main, ...keys.filter((key) => key !== main)] : keys
  const parts = ['mean', 'std', 'min', 'max', 'count']
  const rows = () => [
    [heading(group), 'runs', ...order.flatMap((key) => parts.map((part) => `${heading(String(key))} ${part}`))],
    ...data.groups.map((/** @type {any} */ each) => [each.label ?? each.value, each.count, ...order.flatMap((key) => parts.map((part) => each.metrics[String(key)]?.[part]))]),
  ]
  return html`<p class="muted">${counted(data.groups.length, 'group')}, ${counted(data.total, 'run')} <${CsvButton} name=${`groups of ${heading(group)}`} rows=${rows} /></p>
    <div class="wide"><table class="list groups">
      <thead><tr><th>${heading(group)}</th><th class="number">runs</th>${order.map((key) => html`<th key=${key} class="number"><a href=${changed({ sort: key })}>${heading(String(key))}</a></th>`)}</tr></thead>
      <tbody>${data.groups.map((/** @type {any} */ each) => html`<tr key=${each.value} data-group=${each.value}>
        <td><a href=${changed({ group: null, where: both(where, condition(group, each.value)) })}>${each.label ?? each.value ?? NOTHING}</a></td>
        <td class="number">${number(each.count)}</td>
        ${order.map((key) => html`<${Spread} key=${key} of=${each.metrics[String(key)]} />`)}
      </tr>`)}</tbody>
    </table></div>`
}

/** @param {{of: any}} given */
function Spread({ of }) {
  if (!of) return html`<td class="number muted">${NOTHING}</td>`
  const title = `mean ${of.mean}, least ${of.min}, greatest ${of.max}, of ${of.count}`
  return html`<td class="number" title=${title} data-mean=${of.mean}>${number(of.mean)} ${of.std !== null && html`<span class="muted">± ${number(of.std, 2)}</span>`}</td>`
}
