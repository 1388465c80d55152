// The first screen of a run: what came out, what went in, and how to have it again.
import { useState } from 'preact/hooks'
import { send } from '../../api.js'
import { refresh, useJson } from '../../data.js'
import { html } from '../../html.js'
import { lazy } from '../../lazy.js'
import { attempt } from '../../notice.js'
import { path } from '../../router.js'
import { Metrics } from './metrics.js'
import { Reproduce } from './reproduce.js'
import { Tags } from './tags.js'

const Markdown = lazy(() => import('../../markdown.js'), 'Markdown')

const NOTE = 'mlflow.note.content'

/** @param {{run: any, metrics: any[], session: any, standing: any}} given */
export function Overview({ run, metrics, session, standing }) {
  const usual = useJson('/columns', { exp: run.experiment_id })
  return html`<div class="overview">
    <div class="left">
      ${run.status !== 'FINISHED' && run.status !== 'RUNNING' && html`<${Failure} run=${run} />`}
      <${Metrics} run=${run} metrics=${metrics} standing=${standing} order=${usual.data?.metrics ?? []} />
      <${Params} params=${run.params ?? {}} constant=${usual.data?.constant ?? {}} unusual=${standing?.unusual ?? {}} />
    </div>
    <div class="right">
      <${Reproduce} run=${run} session=${session} files=${standing?.files ?? 0} />
      <${Notes} run=${run} />
      <${Tags} run=${run} hidden=${NOTE} />
    </div>
  </div>`
}

/** What ended the run, before everything else. @param {{run: any}} given */
function Failure({ run }) {
  const console_ = useJson(run.session ? path('sessions', run.session, 'console') : null)
  const lines = (console_.data?.console ?? []).map((/** @type {any} */ [, , text]) => text).join('').trimEnd().split('\n').slice(-30)
  return html`<section class="card failure"><h2>${run.status.toLowerCase()}${run.exit_code !== null && run.exit_code !== undefined ? ` with exit code ${run.exit_code}` : ''}</h2>
    ${run.error && html`<pre tabindex="0">${typeof run.error === 'string' ? run.error : JSON.stringify(run.error, null, 1)}</pre>`}
    ${lines.some(Boolean) && html`<h3 class="muted">the last lines that the program printed</h3><pre tabindex="0">${lines.join('\n')}</pre>`}
  </section>`
}

/** Params: first those in which the run is unlike most others, then those that vary at all. @param {{params: Record<string, string>, constant: Record<string, string>, unusual: Record<string, any>}} given */
function Params({ params, constant, unusual }) {
  const keys = Object.keys(params)
  if (!keys.length) return null
  const odd = keys.filter((key) => key in unusual)
  const same = keys.filter((key) => `p.${key}` in constant)
  const varying = keys.filter((key) => !same.includes(key) && !odd.includes(key))
  const row = (/** @type {string} */ key, kind = '') => html`<div key=${key} class=${kind} data-param=${key}><dt title=${key}>${key}</dt><dd class="mono" title=${params[key]}>${params[key]}</dd>${key in unusual && html`<dd class="muted usual" title=${`${unusual[key].runs} of the newest ${unusual[key].of} runs have it`}>most others: <span class="mono">${unusual[key].value}</span></dd>`}</div>`
  const block = (/** @type {string[]} */ some, kind = '') => some.length > 0 && html`<dl class=${`params ${kind}`}>${some.map((key) => row(key, kind))}</dl>`
  return html`<section aria-label="params"><h2>Params <span class="muted">${keys.length}</span></h2>
    ${block(odd, 'unusual')}${block(varying)}
    ${same.length > 0 && html`<details open=${odd.length + varying.length < 6}><summary class="muted">${same.length} that are the same in all runs of the experiment</summary>${block(same)}</details>`}
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
