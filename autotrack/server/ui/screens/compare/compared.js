// What is compared: some runs by their ids, or whatever matches a filter; and what is known of them for every view.
import { useMemo } from 'preact/hooks'
import { get } from '../../api.js'
import { joined } from '../../columns.js'
import { useData, useJson } from '../../data.js'
import { counted, number } from '../../format.js'
import { place } from '../../router.js'

/**
 * @typedef {object} Compared
 * @property {boolean} asked false where the address names no runs
 * @property {boolean} many true where the runs are those of a filter
 * @property {number} count how many are named
 * @property {number} total how many match
 * @property {string} experiment the experiment's name, '' where it is not known yet
 * @property {string} where
 * @property {any} beside the answer of `/compare`, with its state
 * @property {string} base the id of the run that the others are compared with, as the address has it
 * @property {string[]} ids as the address has them
 */

/** @returns {Compared} */
export function useCompared() {
  const { query } = place.value
  const ids = [...new Set((query.get('runs') ?? '').split(',').filter(Boolean))]
  const [exp, where, top] = ['exp', 'where', 'top'].map((key) => query.get(key) ?? '')
  const base = ids.find((id) => id === query.get('base')) ?? ids[0] ?? ''
  const order = [base, ...ids.filter((id) => id !== base)]
  const many = !ids.length && exp !== ''
  const asked = many || ids.length > 0
  const same = query.get('same') === '1' ? 1 : undefined
  const separated = many && (query.get('tab') ?? 'diff') !== 'diff'
  const beside = useJson(asked && ids.length !== 1 && !separated ? '/compare' : null, many ? { exp, where, top } : { runs: order.join(','), same }, { keep: true })
  const counting = useJson(many ? '/table' : null, { exp, where, limit: 1, cols: 'name' })
  const experiment = many ? exp : (beside.data?.runs?.[0]?.experiment ?? '')
  return { asked, many, count: ids.length, total: counting.data?.total ?? 0, experiment, where, beside, base, ids }
}

/** Rows that are asked for at once: a server stops searches that take long. */
const PAGE = 2500
const MOST = 10_000

/** The runs with values for the views that draw them: metrics, and the params that vary. @param {Compared} compared */
export function useTable(compared) {
  const { many, experiment, where, beside } = compared
  const ids = beside.data?.runs?.map((/** @type {any} */ run) => run.id).join(',')
  const known = useJson(many || !experiment ? null : '/columns', { exp: experiment })
  const named = useJson(!many && ids ? '/compare' : null, { runs: ids, same: 1 })
  const cols = useMemo(() => (many || !named.data || !known.data ? null : columnsOf(named.data.blocks, known.data)), [named.data, known.data])
  const few = useJson(cols ? '/table' : null, cols ? { ids, cols: joined(['name', ...cols.cols]) } : {}, { keep: true })
  const all = useData(many ? `/table in pages?${JSON.stringify([experiment, where])}` : null, (signal) => pages(experiment, where, signal), { keep: true })
  if (many) return all
  return { ...few, error: few.error ?? known.error ?? named.error, data: few.data && cols ? { ...few.data, chosen: cols } : undefined }
}

/** Up to 10,000 runs that match. @param {string} exp @param {string} where @param {AbortSignal} signal */
async function pages(exp, where, signal) {
  const chosen = await get('/columns', { exp, where }, signal)
  const asked = { exp, where, cols: joined(['name', ...chosen.cols.filter((/** @type {string} */ key) => /^[mp]\./.test(key))]), limit: PAGE }
  /** @type {{ids: string[], cols: Record<string, any[]>, chosen: any, total: number}} */
  const found = { ids: [], cols: {}, chosen, total: 0 }
  for (let offset = 0; offset < MOST; offset += PAGE) {
    const page = await get('/table', { ...asked, offset }, signal)
    found.total = page.total
    found.ids = found.ids.concat(page.ids)
    for (const key of Object.keys(page.cols)) found.cols[key] = (found.cols[key] ?? []).concat(page.cols[key])
    if (found.ids.length >= page.total) break
  }
  return found
}

/** How many runs are looked at, in words: of very many the newest. @param {number} looked @param {number} total */
export const lookedAt = (looked, total) => (total > looked ? `the newest ${number(looked)} of ${counted(total, 'run')}` : counted(looked, 'run'))

/** Metrics and varying params of a few runs, the main metric first. @param {any[]} blocks @param {any} known of the experiment */
function columnsOf(blocks, known) {
  const rows = (/** @type {string} */ name) => blocks.find((block) => block.name === name)?.rows ?? []
  const metrics = rows('result').map((/** @type {any} */ row) => row.key).filter((/** @type {string} */ key) => key.startsWith('m.'))
  const main = metrics.includes(known.main) ? known.main : (metrics[0] ?? null)
  const params = rows('params').map((/** @type {any} */ row) => row.key)
  const varying = rows('params').filter((/** @type {any} */ row) => !row.same && row.key !== 'command line').map((/** @type {any} */ row) => `p.${row.key}`)
  const ordered = [...(main ? [main] : []), ...metrics.filter((/** @type {string} */ key) => key !== main)]
  return { ...known, main, goal: known.goals?.[main] ?? null, metrics: ordered.map((key) => key.slice(2)), params, cols: [...ordered, ...varying] }
}
