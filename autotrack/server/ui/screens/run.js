// A run: is it good, what made it, can it be made again?
import { useEffect, useRef } from 'preact/hooks'
import { refresh, useJson } from '../data.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { lazy } from '../lazy.js'
import { onChange } from '../live.js'
import { path, place } from '../router.js'
import { Failed, Loading, Lost, Part } from '../states.js'
import { Header } from './run/header.js'
import { events, notebooks } from './run/kinds.js'
import { Overview } from './run/overview.js'

// Tabs are fetched when they are first opened.
const Artifacts = lazy(() => import('./run/artifacts.js'), 'Artifacts')
const Children = lazy(() => import('./run/children.js'), 'Children')
const Code = lazy(() => import('./run/code.js'), 'Code')
const Data = lazy(() => import('./run/data.js'), 'Data')
const Environment = lazy(() => import('./run/environment.js'), 'Environment')
const Logs = lazy(() => import('./run/logs.js'), 'Logs')
const Notebook = lazy(() => import('./run/notebook.js'), 'Notebook')
const PluginPanel = lazy(() => import('./run/panel.js'), 'PluginPanel')
const RunCharts = lazy(() => import('./charts.js'), 'RunCharts', html`<${Loading} />`)
const TensorBoard = lazy(() => import('./run/tensorboard.js'), 'TensorBoard')

/** How often a run that gets points is read anew but for its metrics (ms): dozens may look at it. */
const SELDOM = 5000

export function Screen() {
  const { run: named, tab = '', rest = '' } = place.value.path
  const found = useJson(path('runs', named))
  const run = found.data
  const metrics = useJson(run ? path('runs', run.id, 'metrics') : null)
  const session = useJson(run?.session ? path('sessions', run.session) : null)
  const standing = useJson(run ? path('runs', run.id, 'standing') : null)
  const children = useJson(run ? '/table' : null, { exp: run?.experiment_id, where: run ? `parent = '${run.id}'` : '', limit: 1000 })
  const files = useJson(run ? path('runs', run.id, 'artifacts') : null)
  const brought = useJson(run ? path('runs', run.id, 'panels') : null)
  useTrail([{ text: 'Experiments', href: '/' }, { text: run?.experiment ?? '…', href: run && path('e', run.experiment) }, { text: run?.name || named.slice(0, 8) }])
  const whole = useRef(0)
  useEffect(() => {
    let later = 0
    const all = () => {
      whole.current = Date.now()
      later = 0
      refresh((key) => key.startsWith('/runs/') || key.startsWith('/sessions/'))
    }
    const stop = onChange(({ runs, reset }) => {
      const one = runs.find(({ id }) => id.startsWith(named) || id === run?.id)
      if (!one && !reset) return
      const isMoreOfTheSame = one && !reset && one.status === run?.status && Object.keys(one.keys ?? {}).length > 0
      const wait = whole.current + SELDOM - Date.now()
      if (!isMoreOfTheSame || wait <= 0) return all()
      refresh((key) => key.startsWith('/runs/') && key.includes('/metrics?'))
      later ||= window.setTimeout(all, wait)
    })
    return () => {
      stop()
      clearTimeout(later)
    }
  }, [named, run?.id, run?.status])
  if (!run) return found.error ? (found.error.status === 404 ? html`<${Lost} />` : html`<main class="page"><${Failed} what="the run" error=${found.error} retry=${found.reload} /></main>`) : html`<main class="page"><${Loading} rows=${16} /></main>`
  const summaries = metrics.data?.metrics ?? []
  const parts = session.data?.parts ?? {}
  const own = summaries.filter((/** @type {any} */ each) => !each.key.startsWith('system/'))
  const system = summaries.filter((/** @type {any} */ each) => each.key.startsWith('system/'))
  const panels = /** @type {import('./run/panel.js').Panel[]} */ (brought.data?.panels ?? [])
  const here = tab === 'panel' ? `panel/${rest}` : tab
  const tabs = /** @type {[string, string, any][]} */ ([
    ['', 'Overview', true],
    ['charts', 'Charts', own.length > 0],
    ['artifacts', 'Artifacts', files.data?.files.length > 0 || tab === 'artifacts'],
    ['code', 'Code', parts.code],
    ['env', 'Environment', parts.environment],
    ['data', 'Data', run.datasets?.length || parts.files || standing.data?.files],
    ['logs', 'Logs', run.session],
    ['system', 'System', system.length > 0],
    ['notebook', 'Notebook', notebooks(run).length > 0],
    ['tensorboard', 'TensorBoard', events(run).length > 0],
    ['children', `Children ${children.data?.total ?? ''}`, children.data?.total > 0],
    ...panels.map(({ plugin, name, title }) => [`panel/${plugin}/${name}`, title, true]),
  ]).filter(([key, , there]) => there || key === tab)
  const at = path('r', named)
  const shown = panels.find(({ plugin, name }) => `${plugin}/${name}` === rest)
  return html`<main class="page run">
    <${Header} run=${run} standing=${standing.data} reload=${found.reload} />
    ${found.error && html`<${Failed} what="the run" error=${found.error} retry=${found.reload} stale />`}
    <nav class="tabs" aria-label="parts of the run">${tabs.map(([key, name]) => html`<a key=${key} href=${key ? `${at}${path(key)}` : at} aria-current=${key === here ? 'page' : undefined}>${name}</a>`)}</nav>
    <div class="tab">
      ${tab === '' && html`<${Part} of=${metrics} what="the metrics">${() => html`<${Overview} run=${run} metrics=${own} session=${session.data} standing=${standing.data} />`}<//>`}
      ${tab === 'charts' && html`<${Part} of=${metrics} what="the metrics">${() => html`<${RunCharts} run=${run.id} name=${run.name} keys=${own.map((/** @type {any} */ each) => each.key)} />`}<//>`}
      ${tab === 'system' && html`<${RunCharts} run=${run.id} name=${run.name} keys=${system.map((/** @type {any} */ each) => each.key)} />`}
      ${tab === 'artifacts' && html`<${Artifacts} run=${run} />`}
      ${tab === 'code' && html`<${Part} of=${session} what="the code">${() => html`<${Code} code=${parts.code} gaps=${parts.code?.gaps} />`}<//>`}
      ${tab === 'env' && html`<${Part} of=${session} what="the environment">${() => html`<${Environment} of=${parts.environment} />`}<//>`}
      ${tab === 'data' && html`<${Data} run=${run} parts=${parts} />`}
      ${tab === 'logs' && html`<${Logs} run=${run} of=${standing.data?.runs ?? 1} />`}
      ${tab === 'notebook' && html`<${Notebook} run=${run} />`}
      ${tab === 'tensorboard' && html`<${TensorBoard} run=${run} />`}
      ${tab === 'children' && html`<${Children} of=${children} run=${run} />`}
      ${tab === 'panel' && html`<${Part} of=${brought} what="the panel">${() => (shown ? html`<${PluginPanel} key=${`${run.id} ${rest}`} run=${run.id} panel=${shown} />` : html`<p class="muted">No plugin of this server brings a panel ${rest} for this run.</p>`)}<//>`}
    </div>
  </main>`
}
