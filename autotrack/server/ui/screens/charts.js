// Charts: one for each metric of the runs that are selected, else of the best by the order of the table.
import { useEffect, useMemo } from 'preact/hooks'
import { joined } from '../columns.js'
import { useJson } from '../data.js'
import { NOTHING, number } from '../format.js'
import { html } from '../html.js'
import { onChange } from '../live.js'
import { look } from '../palette.js'
import { change, changed, place } from '../router.js'
import { hovered, positions, selection } from '../selection.js'
import { Empty, Part } from '../states.js'
import { Card } from './charts/card.js'
import { Toolbar, useManner } from './charts/toolbar.js'

const TOP = 10
const TOP_GROUPED = 50
/** Metrics of an experiment above which charts are drawn of those alone that these runs have. */
const MANY = 50

/** The charts of an experiment. @param {{experiment: string, where: string, sort: string, rows: import('../rows.js').Rows}} given */
export function Charts({ experiment, where, sort, rows }) {
  const { ids, all } = selection.value
  const group = place.value.query.get('group') ?? ''
  const top = Math.min(100, Number(place.value.query.get('top')) || (group ? TOP_GROUPED : TOP))
  const chosen = rows.now.chosen ?? {}
  const best = chosen.goal && chosen.main ? (chosen.goal === 'max' ? `-${chosen.main}` : chosen.main) : ''
  const order = sort || best
  const asked = ids.length && !all ? { ids: ids.slice(0, 100).join(',') } : { exp: experiment, where, sort: order, limit: top }
  const found = useJson('/table', { ...asked, cols: group ? joined(['name', group]) : 'name' }, { keep: true })
  const keys = /** @type {string[]} */ (chosen.metrics ?? [])
  const own = useJson(keys.length > MANY && found.data ? '/columns' : null, { exp: experiment, lifecycle: 'all', where: `id in (${(found.data?.ids ?? []).map((/** @type {string} */ id) => `'${id}'`).join()})` }, { keep: true })
  const there = useMemo(() => own.data && new Set(own.data.metrics), [own.data])
  const words = ids.length && !all ? `${ids.length > 100 ? '100 of ' : ''}${number(ids.length)} selected` : html`<label>top <input class="top" type="number" min="1" max="100" value=${top} onChange=${(/** @type {any} */ event) => change({ top: event.target.value }, { replace: true })} /> of ${number(rows.total)}</label> by ${order ? order.replace(/^-?[mpt]\./, '') : 'age'}`
  useEffect(() => onChange(({ runs, reset }) => {
    const shown = runs.filter(({ id }) => found.data?.ids.includes(id)).length
    if (reset || shown < runs.length) found.reload()
    if (shown && keys.length > MANY) own.reload()
  }), [found.data, keys.length > MANY])
  return html`<${Part} of=${found} what="the runs of the charts" rows=${12}>
    ${(/** @type {any} */ data) => html`<${Sections} runs=${runsOf(data, group)} words=${words} keys=${there ? keys.filter((key) => there.has(key)) : own.error ? keys : keys.slice(0, MANY)} />`}
  <//>`
}

/** Runs of an answer of `/table` as they are drawn: each with a place, or with that of its group. @param {any} data @param {string} group */
function runsOf(data, group) {
  const values = group ? data.cols[group] ?? [] : []
  const groups = [...new Set(values)]
  return data.ids.map((/** @type {string} */ id, /** @type {number} */ index) => {
    if (!group) return { id, name: data.cols.name[index] || id.slice(0, 8), index: positions.value.get(id) ?? index }
    const value = values[index] ?? null
    return { id, name: `${group.replace(/^[mpt]\./, '')} ${value ?? NOTHING}`, index: groups.indexOf(value), group: String(value ?? NOTHING) }
  })
}

/** Runs beside one, at most: its parent and other children of that. */
const BESIDE = 20

/** The charts of one run, and of others beside it. @param {{run: string, name: string, keys: string[], others?: {id: string, name: string}[]}} given */
export function RunCharts({ run, name, keys, others = [] }) {
  const on = place.value.query.get('overlay') === '1'
  const { data } = useJson(`/runs/${run}`)
  const parent = data?.parent ?? null
  const family = useJson(on && parent ? '/table' : null, { parent, cols: 'name', limit: BESIDE })
  const above = useJson(on && parent ? '/table' : null, { ids: parent, cols: 'name' })
  const named = (/** @type {any} */ found) => (found.data?.ids ?? []).map((/** @type {string} */ id, /** @type {number} */ index) => ({ id, name: found.data.cols.name[index] || id.slice(0, 8) }))
  const beside = [...others, ...(on ? [...named(above), ...named(family)] : [])].filter(({ id }) => id !== run)
  const words = parent && html`<label><input type="checkbox" checked=${on} onChange=${() => change({ overlay: on ? null : 1 }, { replace: true })} /> with its parent and that one's other children</label>`
  return html`<${Sections} runs=${[{ id: run, name, index: 0 }, ...beside.map((other, index) => ({ ...other, index: index + 1 }))]} keys=${keys} words=${words || ''} />`
}

/** @param {{runs: {id: string, name: string, index: number, group?: string}[], keys: string[], words: any}} given */
export function Sections({ runs, keys, words }) {
  const manner = useManner()
  const { query } = place.value
  const glob = query.get('charts') ?? ''
  const folded = (query.get('fold') ?? '').split('|').filter(Boolean)
  const shown = useMemo(() => keys.filter((key) => matches(key, glob)), [keys.join('\n'), glob])
  const sections = useMemo(() => sectionsOf(shown), [shown])
  const signature = runs.map((run) => `${run.id}${run.index}${run.name}`).join()
  const drawn = useMemo(() => runs.map((run) => ({ ...run, look: { ...look(run.index), name: run.name } })), [signature])
  if (!runs.length) return html`<${Empty}>No runs to draw.<//>`
  return html`<div class="charts">
    <${Toolbar} words=${words} glob=${glob} count=${shown.length} of=${keys.length} />
    ${!shown.length && html`<p class="muted">${keys.length ? `No metric is called like “${glob}”.` : 'These runs have no metrics yet.'}</p>`}
    ${sections.map(({ name, keys: own }) => {
      const closed = folded.includes(name)
      const turned = changed({ fold: (closed ? folded.filter((each) => each !== name) : [...folded, name]).join('|') })
      return html`<section key=${name} aria-label=${name || 'metrics'}>
        ${sections.length > 1 && html`<h2 class="prefix"><a href=${turned} aria-expanded=${!closed}>${closed ? '▸' : '▾'} ${name || 'metrics'} <span class="muted">${own.length}</span></a></h2>`}
        ${!closed && html`<div class="cards">${own.map((key) => html`<${Card} key=${key} metric=${key} next=${() => shown.slice(shown.indexOf(key) + 1)} runs=${drawn} manner=${manner} hovered=${hovered.value} onHover=${(/** @type {string} */ run) => (hovered.value = run)} />`)}</div>`}
      </section>`
    })}
  </div>`
}

/** @param {string} key @param {string} glob parts of names, `*` for anything */
export function matches(key, glob) {
  if (!glob) return true
  const pattern = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')
  return new RegExp(pattern, 'i').test(key)
}

/** Keys by what stands before the first slash; those without one, or with one of their own, first. @param {string[]} keys */
export function sectionsOf(keys) {
  const prefix = (/** @type {string} */ key) => (key.indexOf('/') > 0 ? key.slice(0, key.indexOf('/')) : '')
  /** @type {Map<string, string[]>} */
  const found = new Map()
  for (const key of keys) {
    if (!found.has(prefix(key))) found.set(prefix(key), [])
    found.get(prefix(key))?.push(key)
  }
  const alone = (/** @type {string} */ key) => !prefix(key) || found.get(prefix(key))?.length === 1
  const sections = [...found].filter(([name, own]) => name && own.length > 1).map(([name, own]) => ({ name, keys: own }))
  const first = keys.filter(alone)
  return first.length ? [{ name: '', keys: first }, ...sections] : sections
}
