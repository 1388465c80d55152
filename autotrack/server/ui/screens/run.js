// A run: is it good, what made it, can it be made again?
import { useEffect, useState } from 'preact/hooks'
import { send } from '../api.js'
import { refresh, useJson } from '../data.js'
import { age, duration, moment } from '../format.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { onChange } from '../live.js'
import { attempt } from '../notice.js'
import { link, navigate, path, place } from '../router.js'
import { Failed, Loading, Lost, Part } from '../states.js'
import { Status } from '../status.js'
import { Artifacts } from './run/artifacts.js'
import { Children } from './run/children.js'
import { Code } from './run/code.js'
import { Data } from './run/data.js'
import { Environment } from './run/environment.js'
import { Logs } from './run/logs.js'
import { Overview } from './run/overview.js'
import { RunCharts } from './charts.js'

export function Screen() {
  const { run: named, tab = '' } = place.value.path
  const found = useJson(path('runs', named))
  const run = found.data
  const metrics = useJson(run ? path('runs', run.id, 'metrics') : null)
  const session = useJson(run?.session ? path('sessions', run.session) : null)
  const children = useJson(run ? '/table' : null, { exp: run?.experiment_id, where: run ? `parent = '${run.id}'` : '', limit: 1000 })
  const files = useJson(run ? path('runs', run.id, 'artifacts') : null)
  useTrail([{ text: 'Experiments', href: '/' }, { text: run?.experiment ?? '…', href: run && path('e', run.experiment) }, { text: run?.name || named.slice(0, 8) }])
  useEffect(() => onChange(({ runs, reset }) => (reset || runs.some(({ id }) => id.startsWith(named) || id === run?.id)) && refresh((key) => key.startsWith('/runs/') || key.startsWith('/sessions/'))), [named, run?.id])
  if (!run) return found.error ? (found.error.status === 404 ? html`<${Lost} />` : html`<main class="page"><${Failed} what="the run" error=${found.error} retry=${found.reload} /></main>`) : html`<main class="page"><${Loading} rows=${16} /></main>`
  const summaries = metrics.data?.metrics ?? []
  const parts = session.data?.parts ?? {}
  const own = summaries.filter((/** @type {any} */ each) => !each.key.startsWith('system/'))
  const system = summaries.filter((/** @type {any} */ each) => each.key.startsWith('system/'))
  const tabs = /** @type {[string, string, any][]} */ ([
    ['', 'Overview', true],
    ['charts', 'Charts', own.length > 0],
    ['artifacts', 'Artifacts', files.data?.files.length > 0 || tab === 'artifacts'],
    ['code', 'Code', parts.code],
    ['env', 'Environment', parts.environment],
    ['data', 'Data', run.datasets?.length || parts.files],
    ['logs', 'Logs', run.session],
    ['system', 'System', system.length > 0],
    ['children', `Children ${children.data?.total ?? ''}`, children.data?.total > 0],
  ]).filter(([key, , there]) => there || key === tab)
  const at = path('r', named)
  return html`<main class="page run">
    <${Header} run=${run} reload=${found.reload} />
    ${found.error && html`<${Failed} what="the run" error=${found.error} retry=${found.reload} stale />`}
    <nav class="tabs" aria-label="parts of the run">${tabs.map(([key, name]) => html`<a key=${key} href=${key ? `${at}/${key}` : at} aria-current=${key === tab ? 'page' : undefined}>${name}</a>`)}</nav>
    <div class="tab">
      ${tab === '' && html`<${Part} of=${metrics} what="the metrics">${() => html`<${Overview} run=${run} metrics=${own} session=${session.data} />`}<//>`}
      ${tab === 'charts' && html`<${Part} of=${metrics} what="the metrics">${() => html`<${RunCharts} run=${run.id} name=${run.name} keys=${own.map((/** @type {any} */ each) => each.key)} />`}<//>`}
      ${tab === 'system' && html`<${RunCharts} run=${run.id} name=${run.name} keys=${system.map((/** @type {any} */ each) => each.key)} />`}
      ${tab === 'artifacts' && html`<${Artifacts} run=${run} />`}
      ${tab === 'code' && html`<${Part} of=${session} what="the code">${() => html`<${Code} code=${parts.code} gaps=${parts.code?.gaps} />`}<//>`}
      ${tab === 'env' && html`<${Part} of=${session} what="the environment">${() => html`<${Environment} of=${parts.environment} />`}<//>`}
      ${tab === 'data' && html`<${Data} run=${run} parts=${parts} />`}
      ${tab === 'logs' && html`<${Logs} run=${run} />`}
      ${tab === 'children' && html`<${Children} of=${children} experiment=${run.experiment} />`}
    </div>
  </main>`
}

/** @param {{run: any, reload: () => void}} given */
function Header({ run, reload }) {
  const [naming, setNaming] = useState(false)
  const rename = async (/** @type {any} */ event) => {
    event.preventDefault()
    const name = event.target.elements.name.value.trim()
    setNaming(false)
    const set = (/** @type {string} */ to) => send('PATCH', path('runs', run.id), { name: to })
    if (name && name !== run.name) await attempt(() => set(name), `renamed to ${name}`, async () => { await set(run.name); reload() })
    reload()
  }
  const remove = async () => {
    if (await attempt(() => send('DELETE', path('runs', run.id)), `${run.name} deleted`, () => send('POST', path('runs', run.id, 'restore')))) navigate(path('e', run.experiment))
  }
  const took = run.ended ? (run.ended - run.started) / 1e6 : run.status === 'RUNNING' ? Date.now() - run.started / 1e6 : null
  return html`<header class="about">
    <h1><${Status} of=${run.status} /> ${naming ? html`<form onSubmit=${rename}><input name="name" aria-label="name" value=${run.name} autofocus onBlur=${() => setNaming(false)} /></form>` : html`<button class="heading" title="Rename" onClick=${() => setNaming(true)}>${run.name || run.id.slice(0, 8)}</button>`}</h1>
    <span class="muted facts"><a href=${path('e', run.experiment)}>${run.experiment}</a>${run.parent && html` · child of <a href=${path('r', run.parent.slice(0, 12))}>${run.parent.slice(0, 8)}</a>`} · <span title=${moment(run.started / 1e6)}>${age(run.started / 1e6)}</span> · ${duration(took)}${run.user && ` · ${run.user}`} · <code>${run.id}</code></span>
    <span class="acts">
      ${run.parent && html`<a class="button" href=${link('/compare', { runs: `${run.parent.slice(0, 12)},${run.id.slice(0, 12)}` })}>Compare with parent</a>`}
      <a class="button" href=${link(path('e', run.experiment), { sel: run.id })}>In the table</a>
      <button onClick=${remove}>Delete</button>
    </span>
  </header>`
}
