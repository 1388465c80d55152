// An experiment: which run is best, what was changed, what failed. A table, charts, or both side by side.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { get } from '../api.js'
import { heading, shown as asShown } from '../columns.js'
import { parts } from '../conditions.js'
import { useJson } from '../data.js'
import { counted, number } from '../format.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { useKeys } from '../keys.js'
import { lazy } from '../lazy.js'
import { navigate, change, changed, link, place } from '../router.js'
import { Rows } from '../rows.js'
import { count, handed, select, selectAll, selection } from '../selection.js'
import { Empty, Failed, Loading, Lost } from '../states.js'
import { ColumnMenu } from './experiment/column_menu.js'
import { Filter } from './experiment/filter.js'
import { useNews } from './experiment/news.js'
import { Conditions, Quick } from './experiment/quick.js'
import { RunTable } from './experiment/run_table.js'

const Bar = lazy(() => import('./experiment/bar.js'), 'Bar')
const Charts = lazy(() => import('./charts.js'), 'Charts', html`<${Loading} />`)
const Groups = lazy(() => import('./experiment/groups.js'), 'Groups', html`<${Loading} />`)

const WIDE = 1200
/** Selected runs that the address names. */
const MOST_NAMED = 50

export function Screen() {
  const { path, query } = place.value
  const name = path.experiment
  useTrail([{ text: 'Experiments', href: '/' }, { text: name }])
  const where = query.get('where') ?? ''
  const group = query.get('group') ?? ''
  const view = query.get('view') ?? (innerWidth >= WIDE && !group ? 'split' : 'table')
  const tabular = view !== 'charts'
  const columns = query.get('cols') ?? ''
  const sort = query.get('sort') ?? ''
  const tree = query.get('tree') !== '0' && !where
  const asked = { exp: name, where, sort, cols: columns, tree: tree ? 1 : undefined, open: query.get('open') ?? undefined }
  const { rows, retry } = useRows(asked)
  const news = useNews(rows)
  useEffect(() => {
    const ids = query.get('sel')
    if (ids || handed.peek() !== name) select(ids ? ids.split(',') : [])
    handed.value = ''
  }, [name])
  useEffect(() => {
    const ids = selection.value.ids
    change({ sel: ids.length <= MOST_NAMED ? ids.join(',') : null }, { replace: true })
  }, [selection.value])
  useEffect(() => {
    const { all } = selection.value
    if (all?.where && all.where !== where) select([]) // whether a run of this filter matched that one, nobody knows here
  }, [where])
  useKeys([
    { keys: 'v', does: 'show table, charts or both', run: () => change({ view: { table: 'charts', charts: 'split', split: 'table' }[view] ?? 'table' }) },
    { keys: 'f', does: 'filter', run: () => document.querySelector('[data-search]') instanceof HTMLElement && /** @type {any} */ (document.querySelector('[data-search]')).select() },
    { keys: 'a', does: 'select all that match', run: () => selectAll({ exp: name, where, total: rows.total }) },
    { keys: 'Escape', does: 'clear the selection', run: () => select([]) },
  ])
  if (rows.failure?.status === 404) return html`<${Lost} />`
  return html`<main class="experiment">
    <header class="tools">
      <h1>${name}</h1>
      <${Counts} rows=${rows} where=${where} tree=${tree} />
      <${Filter} rows=${rows} where=${where} exp=${name} />
      <${Quick} rows=${rows} where=${where} />
      <${GroupMenu} rows=${rows} group=${group} />
      ${!group && html`<${ColumnMenu} rows=${rows} columns=${columns} />`}
      <span class="views" role="group" aria-label="view">
        ${['table', 'split', 'charts'].map((each) => html`<a key=${each} class="button" aria-current=${each === view ? 'true' : undefined} href=${changed({ view: each })}>${each}</a>`)}
      </span>
    </header>
    <${Conditions} where=${where} />
    ${!group && html`<${Constant} rows=${rows} />`}
    ${rows.failure && rows.failure.status !== 400 && html`<${Failed} what="the runs" error=${rows.failure} retry=${retry} stale=${rows.ready} />`}
    <div class=${`halves ${view}`}>
      ${tabular && html`<section class="half" aria-label="runs">${group ? html`<${Groups} asked=${asked} group=${group} />` : html`<${Body} rows=${rows} where=${where} exp=${name} news=${news} />`}</section>`}
      ${view !== 'table' && html`<section class="half drawn" aria-label="charts"><${Charts} experiment=${name} where=${where} sort=${sort} rows=${rows} /></section>`}
    </div>
    ${count.value > 0 && html`<${Bar} exp=${name} rows=${rows} />`}
  </main>`
}

/** Rows, and with the first of them what there is of columns, which the answer itself says only where it chose them. @param {import('../api.js').Query} query */
async function rowsOf(query) {
  if (!query.cols || query.offset) return get('/table', query)
  const [rows, chosen] = await Promise.all([get('/table', query), get('/columns', { exp: query.exp, where: query.where })])
  return { ...rows, chosen }
}

/** The rows of a query; while those of a new one are on their way, the former are shown. @param {import('../api.js').Query} asked */
function useRows(asked) {
  const key = JSON.stringify(asked)
  const [shown, setShown] = useState(/** @type {Rows | null} */ (null))
  const rows = useMemo(() => new Rows(asked, rowsOf), [key])
  const current = useRef(rows)
  current.current = rows
  const load = async () => {
    await rows.load(0)
    if (current.current !== rows) return
    const refused = rows.failure && shown && shown !== rows && shown.ready
    if (refused) shown.failure = rows.failure
    if (refused) shown.version.value += 1
    else setShown(rows)
  }
  useEffect(() => void load(), [rows])
  const retry = () => void (rows.ready ? rows.reload() : load())
  return { rows: (shown ?? rows).now, retry }
}

/** @param {{rows: Rows, where: string, tree: boolean}} given */
function Counts({ rows, where }) {
  if (!rows.now.ready) return html`<span class="muted counts"></span>`
  const nested = rows.length < rows.total ? ` · ${counted(rows.length, 'row')}` : ''
  return html`<span class="muted counts" data-total=${rows.total}>${counted(rows.total, 'run')}${where ? ' match' : ''}${nested}</span>`
}

/** What all runs have in common, in one line. @param {{rows: Rows}} given */
function Constant({ rows }) {
  if (!rows.now.ready) return html`<p class="constant"> </p>` // the place that it will take
  const same = Object.entries(rows.chosen?.constant ?? {})
  if (!same.length) return null
  const text = same.map(([key, value]) => `${heading(key)}=${short(asShown(key, value))}`).join(', ')
  return html`<p class="constant muted" title=${text}>same in all ${number(rows.total)}: ${text}</p>`
}

/** @param {string} text */
const short = (text) => (text.length > 40 ? `${text.slice(0, 40)}…` : text)

/** @param {{rows: Rows, group: string}} given */
function GroupMenu({ rows, group }) {
  const varying = (rows.now.chosen?.cols ?? []).filter((/** @type {string} */ key) => key.startsWith('p.'))
  const rest = ['status', 'user', 'parent', ...(rows.chosen?.tags ?? []).map((/** @type {string} */ key) => `t.${key}`)]
  const pick = (/** @type {any} */ event) => change({ group: event.target.value || null, open: null })
  const options = [...new Set([...(group ? [group] : []), ...varying, ...rest])]
  return html`<label class="muted">group <select value=${group} onChange=${pick}><option value="">none</option>${options.map((each) => html`<option key=${each} value=${each}>${heading(each)}</option>`)}</select></label>`
}

/** @param {{rows: Rows, where: string, exp: string, news: any}} given */
function Body({ rows, where, exp, news }) {
  if (!rows.now.ready) return rows.failure ? null : html`<${Loading} rows=${20} />`
  if (!rows.total && where) return html`<${NoMatch} where=${where} exp=${exp} />`
  if (!rows.total) return html`<${Empty} line=${`autotrack run train.py --experiment ${exp}`}>No runs yet. Whatever is trained under this experiment appears here:<//>`
  return html`${news.count > 0 && html`<button class="pill" onClick=${news.show}>${counted(news.count, 'new run')}</button>`}
    <${RunTable} rows=${rows} exp=${exp} sort=${String(rows.query.sort ?? '')} />`
}

/** @param {{where: string, exp: string}} given */
function NoMatch({ where, exp }) {
  const all = parts(where)
  const less = all.slice(0, -1).join(' and ')
  const of = useJson('/table', { exp, limit: 1, cols: 'name' })
  return html`<div class="empty">
    <p>${of.data ? `0 of ${number(of.data.total)} match` : 'No run matches'} <code>${where}</code></p>
    <button onClick=${() => navigate(link(place.value.address.split('?')[0], { ...Object.fromEntries(place.value.query), where: less || null }))}>
      ${all.length > 1 ? html`Take out <code>${all.at(-1)}</code>` : `Show all of ${exp}`}
    </button>
  </div>`
}
