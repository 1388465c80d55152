// The first screen of a run: what came out, what went in, and how to have it again.
import { send } from '../../api.js'
import { refresh, useJson } from '../../data.js'
import { NOTHING, number } from '../../format.js'
import { html } from '../../html.js'
import { Markdown } from '../../markdown.js'
import { attempt } from '../../notice.js'
import { path } from '../../router.js'
import { Sparkline } from '../../sparkline.js'
import { useState } from 'preact/hooks'
import { useEffect } from 'preact/hooks'
import { curves } from '../../curves.js'
import { Reproduce } from './reproduce.js'

const NOTE = 'mlflow.note.content'

/** @param {{run: any, metrics: any[], session: any}} given */
export function Overview({ run, metrics, session }) {
  const usual = useJson('/columns', { exp: run.experiment_id })
  return html`<div class="overview">
    <div class="left">
      ${run.status !== 'FINISHED' && run.status !== 'RUNNING' && html`<${Failure} run=${run} />`}
      <${Metrics} run=${run} metrics=${metrics} chosen=${usual.data} />
      <${Params} params=${run.params ?? {}} constant=${usual.data?.constant ?? {}} />
    </div>
    <div class="right">
      <${Reproduce} run=${run} session=${session} />
      <${Notes} run=${run} />
      <${Tags} tags=${run.tags ?? {}} />
    </div>
  </div>`
}

/** What ended the run, before everything else. @param {{run: any}} given */
function Failure({ run }) {
  const console_ = useJson(run.session ? path('sessions', run.session, 'console') : null)
  const lines = (console_.data?.console ?? []).map((/** @type {any} */ [, , text]) => text).join('').trimEnd().split('\n').slice(-30)
  return html`<section class="card failure"><h2>${run.status.toLowerCase()}${run.exit_code !== null && run.exit_code !== undefined ? ` with exit code ${run.exit_code}` : ''}</h2>
    ${run.error && html`<pre>${typeof run.error === 'string' ? run.error : JSON.stringify(run.error, null, 1)}</pre>`}
    ${lines.some(Boolean) && html`<h3 class="muted">the last lines that the program printed</h3><pre>${lines.join('\n')}</pre>`}
  </section>`
}

/** @param {{run: any, metrics: any[], chosen: any}} given */
function Metrics({ run, metrics, chosen }) {
  const [courses, setCourses] = useState(/** @type {Map<string, number[]>} */ (new Map()))
  const [all, setAll] = useState(false)
  const order = new Map((chosen?.metrics ?? []).map((/** @type {string} */ key, /** @type {number} */ index) => [key, index]))
  const sorted = [...metrics].sort((a, b) => Number(order.get(a.key) ?? 1e6) - Number(order.get(b.key) ?? 1e6) || a.key.localeCompare(b.key))
  const shown = all ? sorted : sorted.slice(0, 14)
  const wanted = shown.filter((each) => each.count > 1).map((each) => each.key)
  useEffect(() => {
    let here = true
    for (const key of wanted.slice(0, 100)) {
      if (!courses.has(key)) curves([run.id], key, { x: 'step', px: 60 }).then(([line]) => here && line && setCourses((now) => new Map(now).set(key, Array.from(line.y))), () => undefined)
    }
    return () => void (here = false)
  }, [wanted.join('\n')])
  if (!metrics.length) return html`<section><h2>Metrics</h2><p class="muted">This run has no metrics${run.status === 'RUNNING' ? ' yet' : ''}.</p></section>`
  return html`<section><h2>Metrics</h2><table class="list metrics">
    <thead><tr><th>metric</th><th class="number">last</th><th class="number">best</th><th class="number">at step</th><th>course</th></tr></thead>
    <tbody>${shown.map((each) => {
      const goal = chosen?.goals?.[`m.${each.key}`]
      const best = goal === 'max' ? each.max : goal === 'min' ? each.min : null
      const course = courses.get(each.key)
      return html`<tr key=${each.key} data-metric=${each.key}>
        <td><a href=${`${path('r', run.id.slice(0, 12), 'charts')}?charts=${encodeURIComponent(each.key)}`}>${each.key}</a></td>
        <td class="number" title=${String(each.last)}><b>${number(each.last)}</b></td>
        <td class="number" title=${goal ? `the ${goal === 'max' ? 'greatest' : 'least'}` : ''}>${best === null || each.count < 2 ? NOTHING : number(best)}</td>
        <td class="number muted">${each.count < 2 ? NOTHING : number(each.last_step)}</td>
        <td>${course && course.length > 1 ? html`<${Sparkline} values=${course} label=${each.key} width=${130} />` : ''}</td>
      </tr>`
    })}</tbody></table>
    ${sorted.length > shown.length && html`<button class="quiet" onClick=${() => setAll(true)}>All ${number(sorted.length)} metrics</button>`}
  </section>`
}

/** @param {{params: Record<string, string>, constant: Record<string, string>}} given */
function Params({ params, constant }) {
  const keys = Object.keys(params)
  if (!keys.length) return null
  const same = keys.filter((key) => `p.${key}` in constant)
  const varying = keys.filter((key) => !same.includes(key))
  const row = (/** @type {string} */ key, kind = '') => html`<tr key=${key} class=${kind}><td>${key}</td><td class="mono" title=${params[key]}>${params[key]}</td></tr>`
  return html`<section><h2>Params <span class="muted">${keys.length}</span></h2>
    <table class="list params"><tbody>${varying.map((key) => row(key, 'varies'))}</tbody></table>
    ${same.length > 0 && html`<details open=${varying.length < 6}><summary class="muted">${same.length} that are the same in all runs of the experiment</summary><table class="list params"><tbody>${same.map((key) => row(key))}</tbody></table></details>`}
  </section>`
}

/** @param {{run: any}} given */
function Notes({ run }) {
  const [draft, setDraft] = useState(/** @type {string | null} */ (null))
  const text = run.tags?.[NOTE] ?? ''
  const save = async () => {
    const set = (/** @type {string} */ to) => send('POST', '/runs/tags', { ids: [run.id], set: { [NOTE]: to } })
    await attempt(() => set(draft ?? ''), 'Notes saved', async () => { await set(text); refresh((key) => key.startsWith('/runs/')) })
    setDraft(null)
    refresh((key) => key.startsWith('/runs/'))
  }
  if (draft !== null) return html`<section class="card"><h2>Notes</h2><textarea aria-label="notes in markdown" rows="8" value=${draft} onInput=${(/** @type {any} */ event) => setDraft(event.target.value)}></textarea><p><button class="main" onClick=${save}>Save</button> <button onClick=${() => setDraft(null)}>Cancel</button></p></section>`
  return html`<section class="card"><h2>Notes <button class="quiet" onClick=${() => setDraft(text)}>${text ? 'Edit' : 'Write'}</button></h2>${text && html`<${Markdown} text=${text} />`}</section>`
}

/** @param {{tags: Record<string, string>}} given */
function Tags({ tags }) {
  const shown = Object.entries(tags).filter(([key]) => key !== NOTE)
  return shown.length > 0 && html`<section class="card"><h2>Tags</h2><p class="tags">${shown.map(([key, value]) => html`<span key=${key} class="chip" title=${`${key}: ${value}`}>${key}: ${value}</span>`)}</p></section>`
}
