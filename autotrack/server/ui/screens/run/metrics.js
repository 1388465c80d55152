// A run's metrics: the last value, the best and where it was, the course, and the best of the experiment beside it.
import { useEffect, useState } from 'preact/hooks'
import { curves } from '../../curves.js'
import { CsvButton } from '../../export.js'
import { NOTHING, number } from '../../format.js'
import { html } from '../../html.js'
import { path } from '../../router.js'
import { Sparkline } from '../../sparkline.js'

/** Metrics that are shown at first. */
const FIRST = 14
const COURSES = 100

/** @param {{run: any, metrics: any[], standing: any, order: string[]}} given `order`: keys, the one that matters most first */
export function Metrics({ run, metrics, standing, order }) {
  const [courses, setCourses] = useState(/** @type {Map<string, import('../../curves.js').Curve>} */ (new Map()))
  const [all, setAll] = useState(false)
  const place = new Map(order.map((key, index) => [key, index]))
  const rank = (/** @type {any} */ each) => (each.key === standing?.main ? -1 : (place.get(each.key) ?? 1e6))
  const sorted = [...metrics].sort((a, b) => rank(a) - rank(b) || a.key.localeCompare(b.key))
  const shown = all ? sorted : sorted.slice(0, FIRST)
  const wanted = shown.filter((each) => each.count > 1).slice(0, COURSES)
  useEffect(() => {
    let here = true
    for (const { key } of wanted) {
      curves([run.id], key, { x: 'step', px: 60 }).then(([line]) => here && line && setCourses((now) => new Map(now).set(key, line)), () => undefined)
    }
    return () => void (here = false)
  }, [wanted.map(({ key, count }) => `${key} ${count}`).join('\n')])
  if (!metrics.length) return html`<section><h2>Metrics</h2><p class="muted">This run has no metrics${run.status === 'RUNNING' ? ' yet' : ''}.</p></section>`
  const moving = metrics.some((each) => each.count > 1)
  const judged = moving && metrics.some((each) => standing?.metrics?.[each.key]?.goal)
  const among = Object.values(standing?.metrics ?? {}).some((/** @type {any} */ each) => each.of > 1 && each.goal)
  const rows = () => [
    ['metric', 'last', 'min', 'max', 'points', 'best of all', 'rank', 'of'],
    ...sorted.map(({ key, last, min, max, count }) => {
      const { best, better = null, of } = standing?.metrics?.[key] ?? {}
      return [key, last, min, max, count, best, better === null ? '' : better + 1, of]
    }),
  ]
  return html`<section aria-label="metrics"><h2>Metrics <${CsvButton} name=${`metrics of ${run.name || run.id.slice(0, 8)}`} rows=${rows} /></h2><table class="list metrics">
    <thead><tr><th>metric</th><th class="number">last</th>${judged && html`<th class="number">best</th><th class="number at">at step</th>`}${moving && html`<th>course</th>`}${among && html`<th class="number" title="the best last value of all runs of the experiment">best of all</th><th>rank</th>`}</tr></thead>
    <tbody>${shown.map((each) => html`<${Row} key=${each.key} run=${run} of=${each} course=${courses.get(each.key)} placed=${standing?.metrics?.[each.key]} moving=${moving} judged=${judged} among=${among} />`)}</tbody></table>
    ${sorted.length > shown.length && html`<button class="quiet" onClick=${() => setAll(true)}>All ${number(sorted.length)} metrics</button>`}
  </section>`
}

/** @param {{run: any, of: any, course: import('../../curves.js').Curve | undefined, placed: any, moving: boolean, judged: boolean, among: boolean}} given */
function Row({ run, of, course, placed, moving, judged, among }) {
  const goal = placed?.goal
  const best = of.count > 1 ? (goal === 'max' ? of.max : goal === 'min' ? of.min : null) : null
  const at = best !== null && course ? stepOf(course, goal === 'max') : null
  return html`<tr data-metric=${of.key}>
    <td><a href=${`${path('r', run.id.slice(0, 12), 'charts')}?charts=${encodeURIComponent(of.key)}`}>${of.key}</a></td>
    <td class="number" title=${String(of.last)}><b>${number(of.last)}</b></td>
    ${judged && html`<td class="number" title=${best === null ? '' : `the ${goal === 'max' ? 'greatest' : 'least'}: ${best}`}>${best === null ? NOTHING : number(best)}</td>
      <td class="number muted at">${at === null ? NOTHING : number(at)}</td>`}
    ${moving && html`<td>${course && course.x.length > 1 ? html`<${Sparkline} values=${Array.from(course.y)} label=${of.key} width=${110} />` : ''}</td>`}
    ${among && html`<td class="number" title=${placed?.best ?? ''}>${placed?.goal && placed.of > 1 ? beside(of.last, placed) : NOTHING}</td>
      <td class="muted">${placed?.goal && placed.of > 1 ? `${number(placed.better + 1)} of ${number(placed.of)}` : ''}</td>`}
  </tr>`
}

/** The best of the experiment and how far the run is from it. @param {number} last @param {any} placed */
function beside(last, placed) {
  if (placed.better === 0) return html`<span class="good">this one</span>`
  const far = typeof last === 'number' && typeof placed.best === 'number' ? last - placed.best : null
  return html`${number(placed.best)}${far !== null && html` <span class="bad">${far > 0 ? '+' : ''}${number(far, 2)}</span>`}`
}

/** The step of the first extreme of a line that is thinned out and has kept its extremes. @param {import('../../curves.js').Curve} line @param {boolean} greatest */
export function stepOf(line, greatest) {
  const side = greatest ? line.hi : line.lo
  let at = -1
  for (let index = 0; index < side.length; index += 1) {
    if (Number.isFinite(side[index]) && (at < 0 || (greatest ? side[index] > side[at] : side[index] < side[at]))) at = index
  }
  return at < 0 ? null : line.x[at]
}
