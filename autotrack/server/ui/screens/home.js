// What is happening, and where to go: the runs that are running, and all experiments.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { send } from '../api.js'
import { Copied } from '../copy.js'
import { refresh, useJson } from '../data.js'
import { CsvButton } from '../export.js'
import { age, counted, duration, moment, NOTHING, number } from '../format.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { onChange } from '../live.js'
import { attempt } from '../notice.js'
import { change, changed, path, place } from '../router.js'
import { Sparkline } from '../sparkline.js'
import { Empty, Part } from '../states.js'

/** Experiments that are shown at first, and at most. */
const PAGE = 200
const MOST = 1000

export function Screen() {
  useTrail([])
  const { query } = place.value
  const archived = query.get('archived') === '1'
  const shown = Number(query.get('show')) || PAGE
  const found = useJson('/overview', { lifecycle: archived ? 'deleted' : undefined, limit: shown }, { keep: true })
  useEffect(() => onChange(() => refresh((key) => key.startsWith('/overview'))), [])
  const words = query.get('q') ?? ''
  return html`<main class="page home">
    <header class="tools"><h1>${archived ? 'Archived experiments' : 'Experiments'}</h1>
      <input data-search type="search" placeholder="search experiments" aria-label="search experiments" value=${words} onInput=${(/** @type {any} */ event) => change({ q: event.target.value }, { replace: true })} />
      <a class="muted" href=${changed({ archived: archived ? null : 1, show: null })}>${archived ? 'those in use' : 'archived'}</a>
    </header>
    <${Part} of=${found} what="the experiments">${(/** @type {any} */ data) => {
      if (archived && !data.experiments.length) return html`<${Empty}>Nothing is archived.<//>`
      if (!archived && !data.experiments.some((/** @type {any} */ each) => each.runs.total)) return html`<${First} />`
      const rows = () => [
        ['experiment', 'runs', 'running', 'failed', 'main metric', 'best', 'run', 'last activity', 'owner'],
        ...data.experiments.map((/** @type {any} */ each) => [each.name, each.runs.total, each.runs.RUNNING ?? 0, (each.runs.FAILED ?? 0) + (each.runs.CRASHED ?? 0), each.metric?.replace(/^m\./, ''), each.best?.value, each.best?.run, new Date(each.active_at).toISOString(), each.owner]),
      ]
      return html`${!archived && html`<${Running} runs=${data.running} names=${new Map(data.experiments.map((/** @type {any} */ each) => [each.id, each.name]))} />`}<${Experiments} all=${data.experiments} words=${words} archived=${archived} />
        <p class="muted">${words ? `${data.experiments.filter((/** @type {any} */ each) => fits(each, words)).length} of ` : ''}${data.total > data.experiments.length ? `the latest ${number(data.experiments.length)} of ` : ''}${counted(data.total, 'experiment')}${' '}
          ${data.total > data.experiments.length && shown < MOST && html`<button onClick=${() => change({ show: Math.min(MOST, shown * 2) }, { replace: true })}>Show more</button>`} <${CsvButton} name="experiments" rows=${rows} /></p>`
    }}<//>
  </main>`
}

/** @param {{runs: any[], names: Map<string, string>}} given */
function Running({ runs, names }) {
  if (!runs.length) return null
  return html`<section class="running" aria-label="running now"><h2>Running now${runs.length > 1 ? html` <span class="muted">${number(runs.length)}</span>` : ''}</h2><div class="strip">
    ${runs.slice(0, 50).map((run) => {
      const share = run.total ? Math.min(1, (run.step ?? 0) / run.total) : null
      return html`<a key=${run.id} class="card" href=${path('r', run.id.slice(0, 12))}>
        <b>${run.name || run.id.slice(0, 8)}</b><span class="muted">${names.get(run.experiment_id) ?? NOTHING}</span>
        ${run.metric && html`<span>${run.metric.replace(/^m\./, '')} <b>${number(run.value)}</b></span>`}
        <span class="muted">${run.step !== null && run.step !== undefined ? `step ${number(run.step)}${run.total ? ` of ${number(run.total)}` : ''}` : `started ${age(run.started)}`}${run.left ? `, ${duration(run.left * 1000)} left` : ''}</span>
        ${share !== null && html`<i class="progress" role="progressbar" aria-label="progress" aria-valuenow=${Math.round(share * 100)}><u style=${{ width: `${share * 100}%` }}></u></i>`}
      </a>`
    })}</div></section>`
}

/** @type {Record<string, (a: any, b: any) => number>} */
const ORDERS = { name: (a, b) => a.name.localeCompare(b.name), runs: (a, b) => a.runs.total - b.runs.total, active: (a, b) => a.active_at - b.active_at }

/** @param {any} experiment @param {string} words all have to be in its name, its owner or its tags */
function fits(experiment, words) {
  const text = [experiment.name, experiment.owner ?? '', ...shownTags(experiment).flat()].join(' ').toLowerCase()
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}

/** The tags that people have given. @param {any} experiment @returns {[string, string][]} */
const shownTags = (experiment) => Object.entries(experiment.tags).filter(([key]) => !/^(autotrack|mlflow)\./.test(key))

/** @param {{all: any[], words: string, archived: boolean}} given */
function Experiments({ all, words, archived }) {
  const sort = place.value.query.get('sort') || '-active'
  const down = sort.startsWith('-')
  const order = sort.replace('-', '')
  const found = all.filter((each) => fits(each, words)).sort(ORDERS[order] ?? ORDERS.active)
  const shown = down ? found.reverse() : found
  const head = (/** @type {string} */ key, /** @type {string} */ text, kind = '') => {
    const is = order === key
    const turned = is ? !down : key !== 'name'
    return html`<th class=${kind} aria-sort=${is ? (down ? 'descending' : 'ascending') : 'none'}><button class="heading" onClick=${() => change({ sort: (turned ? '-' : '') + key })}>${text}${is && html`<i aria-hidden="true">${down ? '▼' : '▲'}</i>`}</button></th>`
  }
  return html`<div class="wide"><table class="list experiments">
      <thead><tr>${head('name', 'experiment')}${head('runs', 'runs', 'number')}<th>main metric</th><th class="number">best</th><th>last 50 runs</th>${head('active', 'last activity')}<th>owner</th><th>tags</th><th><span class="unseen">actions</span></th></tr></thead>
      <tbody>${shown.map((each) => html`<${Experiment} key=${each.id} of=${each} archived=${archived} />`)}</tbody>
    </table></div>`
}

/** @param {{of: any, archived: boolean}} given */
function Experiment({ of, archived }) {
  const [naming, setNaming] = useState(false)
  const field = useRef(/** @type {HTMLInputElement | null} */ (null))
  useLayoutEffect(() => {
    field.current?.focus()
    field.current?.select()
  }, [naming])
  const again = () => refresh((key) => key.startsWith('/overview'))
  const archive = async () => {
    const back = async () => { await send('POST', `/experiments/${of.id}/restore`); again() }
    await attempt(() => send('DELETE', `/experiments/${of.id}`), `${of.name} archived`, back)
    again()
  }
  const restore = async () => {
    await attempt(() => send('POST', `/experiments/${of.id}/restore`), `${of.name} is back`)
    again()
  }
  const rename = async (/** @type {any} */ event) => {
    event.preventDefault()
    const name = event.target.elements.name.value.trim()
    setNaming(false)
    if (!name || name === of.name) return
    await attempt(() => send('PATCH', `/experiments/${of.id}`, { name }), `renamed to ${name}`, async () => { await send('PATCH', `/experiments/${of.id}`, { name: of.name }); again() })
    again()
  }
  const { total, RUNNING: running = 0, FAILED: failed = 0, CRASHED: crashed = 0 } = of.runs
  return html`<tr data-experiment=${of.name}>
    <td class="named" title=${of.name}>${naming ? html`<form onSubmit=${rename}><input ref=${field} name="name" required maxlength="500" aria-label="new name" defaultValue=${of.name} onBlur=${() => setNaming(false)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && setNaming(false)} /></form>` : html`<a href=${path('e', of.name)}>${of.name}</a>`}</td>
    <td class="number">${number(total)}${running > 0 && html` <span class="chip">${number(running)} running</span>`}${failed + crashed > 0 && html` <span class="chip bad">${number(failed + crashed)} failed</span>`}</td>
    <td>${of.metric ? of.metric.replace(/^m\./, '') : NOTHING}</td>
    <td class="number">${of.best ? html`<a href=${path('r', of.best.run.slice(0, 12))}>${number(of.best.value)}</a>` : NOTHING}</td>
    <td>${of.recent?.length > 1 && html`<${Sparkline} values=${of.recent} label=${of.metric} />`}</td>
    <td title=${moment(of.active_at)}>${age(of.active_at)}</td><td class="owner">${of.owner ?? NOTHING}</td>
    <td class="tags">${shownTags(of).slice(0, 3).map(([key, value]) => html`<span key=${key} class="chip" title=${`${key}: ${value}`}>${key}${value && `: ${value}`}</span> `)}</td>
    <td class="acts">${archived ? html`<button class="quiet" onClick=${restore}>Restore</button>` : html`<button class="quiet" onClick=${() => setNaming(true)}>Rename</button><button class="quiet" onClick=${archive}>Archive</button>`}</td>
  </tr>`
}

/** A store without runs: the two lines that fill it. */
function First() {
  return html`<section class="empty first">
    <p>No runs yet. This page listens at <code>${location.origin}</code>. Put one line before your training:</p>
    <p><${Copied} text=${'import autotrack; autotrack.enable()'} /></p>
    <p>or leave your code as it is, <${Copied} text="autotrack run train.py" />, or train something to look at:</p>
    <p><${Copied} text="autotrack demo" /></p>
  </section>`
}
