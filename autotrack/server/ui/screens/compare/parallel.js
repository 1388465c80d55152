// Parallel coordinates: an axis for each param that varies, the ones that matter first, the metric last; a line for each run.
import { useMemo, useState } from 'preact/hooks'
import { heading, joined, split } from '../../columns.js'
import { counted, number } from '../../format.js'
import { themed } from '../../frame.js'
import { html } from '../../html.js'
import { Menu } from '../../menu.js'
import { change, navigate, path, place } from '../../router.js'
import { handed, select } from '../../selection.js'
import { Empty, Part } from '../../states.js'
import { axisOf, brushesOf, brushText, within } from './axes.js'
import { Brushes } from './brushes.js'
import { lookedAt, useTable } from './compared.js'
import { isTurned, Lines } from './parallel_lines.js'
import { correlation, explained, ranks } from './strength.js'

const MOST = 12

/** @param {{compared: import('./compared.js').Compared}} given */
export function View({ compared }) {
  const table = useTable(compared)
  return html`<${Part} of=${table} what="the runs" rows=${14}>${(/** @type {any} */ data) => html`<${Parallel} data=${data} compared=${compared} />`}<//>`
}

/** The params that vary, those first that the metric goes with most. @param {any} data as `/table` answers */
export function ordered(data) {
  const { cols, chosen } = data
  const params = chosen.cols.filter((/** @type {string} */ key) => key.startsWith('p.') && cols[key] && new Set(cols[key].filter((/** @type {any} */ value) => value !== null)).size > 1)
  if (!chosen.main || !cols[chosen.main]) return params
  const metric = axisOf(chosen.main, cols[chosen.main]).values
  const ranked = ranks(metric)
  const strengths = new Map(params.map((/** @type {string} */ key) => {
    const axis = axisOf(key, cols[key])
    const few = axis.kind === 'category' || new Set(axis.values).size <= 12
    return [key, few ? explained(cols[key], ranked) : Math.abs(correlation(axis.values, metric))]
  }))
  return params.sort((/** @type {string} */ a, /** @type {string} */ b) => Number(strengths.get(b)) - Number(strengths.get(a)))
}

/** @param {{data: any, compared: import('./compared.js').Compared}} given */
function Parallel({ data, compared }) {
  const { query } = place.value
  const { ids, cols, chosen } = data
  const usual = useMemo(() => [...ordered(data).slice(0, MOST), ...(chosen.main && cols[chosen.main] ? [chosen.main] : [])], [data])
  const wanted = query.get('axes') ?? ''
  const named = useMemo(() => { const found = split(wanted).filter((key) => cols[key.replace(/^-/, '')]); return found.length ? found : usual }, [wanted, usual])
  const axes = useMemo(() => named.map((each) => axisOf(each.replace(/^-/, ''), cols[each.replace(/^-/, '')], { flipped: each.startsWith('-') })), [named, data])
  const brushed = query.get('brush') ?? ''
  const brushes = useMemo(() => brushesOf(brushed), [brushed])
  const inside = useMemo(() => within(new Map(axes.map((axis) => [axis.key, axis])), brushes, ids.length), [axes, brushes, ids])
  const [pointed, setPointed] = useState(-1)
  const colours = useMemo(() => (chosen.main && cols[chosen.main] ? axisOf(chosen.main, cols[chosen.main]) : null), [data])
  if (!axes.length) return html`<${Empty}>Nothing varies in these runs that could be drawn.<//>`
  const put = (/** @type {string[]} */ next) => change({ axes: joined(next) === joined(usual) ? null : joined(next) }, { replace: true })
  const brush = (/** @type {string} */ key, /** @type {import('./axes.js').Brush | null} */ value) => {
    const next = new Map(brushes)
    if (value) next.set(key, value)
    else next.delete(key)
    change({ brush: brushText(next) })
  }
  const count = inside.reduce((sum, each) => sum + each, 0)
  const all = Object.keys(cols).filter((key) => /^[mp]\./.test(key))
  const chosenIds = () => ids.filter((/** @type {string} */ _, /** @type {number} */ index) => inside[index])
  return html`<section class="parallel">
    <p class="said muted"><span data-count=${count}>${brushes.size ? `${number(count)} of ${counted(ids.length, 'run')} within the brushes` : `${lookedAt(ids.length, data.total ?? 0)}. Drag along an axis to brush it, its name to move it; click its name to turn it around`}</span>
      ${colours && html`<${Legend} axis=${colours} goal=${chosen.goal} />`}
      <span class="right"><${Brushes} axes=${axes} brushes=${brushes} put=${brush} />
      ${brushes.size > 0 && html`<button onClick=${() => { select(chosenIds()); handed.value = compared.experiment; navigate(path('e', compared.experiment)) }}>Open these ${number(count)} in the table</button>`}
      <${Menu} label="Axes" align="right">${() => html`<div class="choose">${all.map((key) => html`<label key=${key}><input type="checkbox" checked=${named.some((each) => each.replace(/^-/, '') === key)} onChange=${(/** @type {any} */ event) => put(event.target.checked ? [...named, key] : named.filter((each) => each.replace(/^-/, '') !== key))} /> ${heading(key)}${key.startsWith('m.') ? html` <span class="muted">metric</span>` : ''}</label>`)}</div>`}<//></span></p>
    <${Lines} axes=${axes} colours=${colours} goal=${chosen.goal} inside=${inside} brushes=${brushes} pointed=${pointed} onBrush=${brush} onOrder=${(/** @type {number[]} */ order) => put(order.map((at) => named[at]))} onFlip=${(/** @type {number} */ at) => put(named.map((each, index) => (index === at ? (each.startsWith('-') ? each.slice(1) : `-${each}`) : each)))} />
    <${Top} data=${data} inside=${inside} axes=${axes} onPoint=${setPointed} />
  </section>`
}

/** @param {{axis: import('./axes.js').Axis, goal: string | null}} given */
export function Legend({ axis, goal }) {
  void themed.value
  return html`<span class="legend">${heading(axis.key)} ${number(axis.low, 3)} <i class=${isTurned(goal) ? 'turned' : ''}></i> ${number(axis.high, 3)}${axis.log ? ' (log)' : ''}</span>`
}

/** The best of those within the brushes. @param {{data: any, inside: Uint8Array, axes: import('./axes.js').Axis[], onPoint: (index: number) => void}} given */
function Top({ data, inside, axes, onPoint }) {
  const { ids, cols, chosen } = data
  const { main, goal } = chosen
  if (!main || !goal) return null
  const known = ids.map((/** @type {string} */ _, /** @type {number} */ index) => index).filter((/** @type {number} */ index) => inside[index] && typeof cols[main]?.[index] === 'number')
  known.sort((/** @type {number} */ a, /** @type {number} */ b) => (goal === 'min' ? 1 : -1) * (cols[main][a] - cols[main][b]))
  const shown = axes.filter((axis) => axis.key !== main).slice(0, 8)
  return html`<div class="wide"><table class="list"><caption>The best of them</caption><thead><tr><th>run</th><th class="number">${heading(main)}</th>${shown.map((axis) => html`<th key=${axis.key} class=${axis.kind === 'number' ? 'number' : ''}>${heading(axis.key)}</th>`)}</tr></thead><tbody onMouseLeave=${() => onPoint(-1)}>
    ${known.slice(0, 10).map((/** @type {number} */ index) => html`<tr key=${ids[index]} onMouseEnter=${() => onPoint(index)}><td><a href=${path('r', ids[index].slice(0, 12))}>${cols.name[index] || ids[index].slice(0, 8)}</a></td><td class="number"><b>${number(cols[main][index])}</b></td>
      ${shown.map((axis) => html`<td key=${axis.key} class=${axis.kind === 'number' ? 'number' : ''}>${axis.kind === 'number' ? number(cols[axis.key][index] === null ? null : Number(cols[axis.key][index])) : (cols[axis.key][index] ?? '–')}</td>`)}</tr>`)}
  </tbody></table></div>`
}
