// What is happening, and where to go: the runs that are running, and all experiments.
import { useEffect, useState } from 'preact/hooks'
import { send } from '../api.js'
import { Copied } from '../copy.js'
import { refresh, useJson } from '../data.js'
import { age, counted, duration, moment, NOTHING, number } from '../format.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { onChange } from '../live.js'
import { attempt } from '../notice.js'
import { change, path, place } from '../router.js'
import { Sparkline } from '../sparkline.js'
import { Part } from '../states.js'

export function Screen() {
  useTrail([])
  const found = useJson('/overview')
  useEffect(() => onChange(() => refresh((key) => key.startsWith('/overview'))), [])
  const words = place.value.query.get('q') ?? ''
  return html`<main class="page home">
    <header class="tools"><h1>Experiments</h1>
      <input data-search type="search" placeholder="search experiments" aria-label="search experiments" value=${words} onInput=${(/** @type {any} */ event) => change({ q: event.target.value }, { replace: true })} />
    </header>
    <${Part} of=${found} what="the experiments">${(/** @type {any} */ data) => (data.experiments.some((/** @type {any} */ each) => each.runs.total) ? html`<${Running} runs=${data.running} /><${Experiments} all=${data.experiments} words=${words} />` : html`<${First} />`)}<//>
  </main>`
}

/** @param {{runs: any[]}} given */
function Running({ runs }) {
  if (!runs.length) return null
  return html`<section class="running" aria-label="running now"><h2>Running now</h2><div class="strip">
    ${runs.map((run) => {
      const share = run.total ? Math.min(1, (run.step ?? 0) / run.total) : null
      return html`<a key=${run.id} class="card" href=${path('r', run.id.slice(0, 12))}>
        <b>${run.name || run.id.slice(0, 8)}</b><span class="muted">${run.experiment}</span>
        ${run.metric && html`<span>${run.metric.replace(/^m\./, '')} <b>${number(run.value)}</b></span>`}
        <span class="muted">${run.step !== null && run.step !== undefined ? `step ${number(run.step)}${run.total ? ` of ${number(run.total)}` : ''}` : `since ${age(run.start)}`}${run.left ? `, ${duration(run.left * 1000)} left` : ''}</span>
        ${share !== null && html`<i class="progress" role="progressbar" aria-valuenow=${Math.round(share * 100)}><u style=${{ width: `${share * 100}%` }}></u></i>`}
      </a>`
    })}</div></section>`
}

/** @param {{all: any[], words: string}} given */
function Experiments({ all, words }) {
  const order = place.value.query.get('sort') ?? ''
  const matching = all.filter((each) => each.name.toLowerCase().includes(words.toLowerCase()))
  const shown = order === 'name' ? [...matching].sort((a, b) => a.name.localeCompare(b.name)) : order === 'runs' ? [...matching].sort((a, b) => b.runs.total - a.runs.total) : matching
  const head = (/** @type {string} */ key, /** @type {string} */ text, kind = '') => html`<th class=${kind} aria-sort=${order === key ? 'ascending' : 'none'}><button class="heading" onClick=${() => change({ sort: key })}>${text}</button></th>`
  return html`<table class="list experiments">
      <thead><tr>${head('name', 'experiment')}${head('runs', 'runs', 'number')}<th>main metric</th><th class="number">best</th><th>last 50 runs</th>${head('', 'last activity')}<th>owner</th><th></th></tr></thead>
      <tbody>${shown.map((each) => html`<${Experiment} key=${each.id} of=${each} />`)}</tbody>
    </table>
    <p class="muted">${words ? `${shown.length} of ${counted(all.length, 'experiment')}` : counted(all.length, 'experiment')}</p>`
}

/** @param {{of: any}} given */
function Experiment({ of }) {
  const [naming, setNaming] = useState(false)
  const again = () => refresh((key) => key.startsWith('/overview'))
  const archive = async () => {
    const back = async () => { await send('POST', `/experiments/${of.id}/restore`); again() }
    await attempt(() => send('DELETE', `/experiments/${of.id}`), `${of.name} archived`, back)
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
    <td class="named">${naming ? html`<form onSubmit=${rename}><input name="name" aria-label="new name" value=${of.name} autofocus onBlur=${() => setNaming(false)} /></form>` : html`<a href=${path('e', of.name)}>${of.name}</a>`}</td>
    <td class="number">${number(total)}${running > 0 && html` <span class="chip">${number(running)} running</span>`}${failed + crashed > 0 && html` <span class="chip bad">${number(failed + crashed)} failed</span>`}</td>
    <td>${of.metric ? of.metric.replace(/^m\./, '') : NOTHING}</td>
    <td class="number">${of.best ? html`<a href=${path('r', of.best.run.slice(0, 12))}>${number(of.best.value)}</a>` : NOTHING}</td>
    <td>${of.recent?.length > 1 && html`<${Sparkline} values=${of.recent} label=${of.metric} />`}</td>
    <td title=${moment(of.active_at)}>${age(of.active_at)}</td><td>${of.owner ?? NOTHING}</td>
    <td class="acts"><button class="quiet" onClick=${() => setNaming(true)}>Rename</button><button class="quiet" onClick=${archive}>Archive</button></td>
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
