// All registered models: which version each alias stands for, the newest version, how good it is.
import { heading, joined } from '../../columns.js'
import { useJson } from '../../data.js'
import { CsvButton } from '../../export.js'
import { age, counted, moment, NOTHING, number } from '../../format.js'
import { useTrail } from '../../frame.js'
import { html } from '../../html.js'
import { change, path, place } from '../../router.js'
import { Empty, Part } from '../../states.js'
import { modelPath } from './registry.js'

const REGISTER = 'autotrack models register runs:/RUN/model NAME'

export function List() {
  useTrail([{ text: 'Models' }])
  const words = place.value.query.get('q') ?? ''
  const found = useJson('/models', { max_results: 1000 })
  return html`<main class="page models">
    <header class="tools"><h1>Models</h1>
      <input data-search type="search" placeholder="search models" aria-label="search models" value=${words} onInput=${(/** @type {any} */ event) => change({ q: event.target.value }, { replace: true })} />
    </header>
    <${Part} of=${found} what="the models">${(/** @type {any} */ data) => (data.models.length ? html`<${Table} models=${data.models.filter((/** @type {any} */ each) => each.name.toLowerCase().includes(words.toLowerCase()))} />` : html`<${Empty} line=${REGISTER}>No model has a name yet. Give one to what a run has logged:<//>`)}<//>
  </main>`
}

/** @param {{models: any[]}} given */
function Table({ models }) {
  const newest = models.map((model) => model.latest.reduce((/** @type {any} */ best, /** @type {any} */ each) => (!best || each.version > best.version ? each : best), null))
  const runs = useRuns(newest.map((version) => version?.run).filter(Boolean))
  const rows = () => [
    ['model', 'aliases', 'newest', 'main metric', 'value', 'run', 'created'],
    ...models.map((model, index) => {
      const run = newest[index] && runs(newest[index].run)
      const aliases = Object.entries(model.aliases).map(([alias, at]) => `${alias}=${at}`).join(' ')
      return [model.name, aliases, newest[index]?.version, run?.metric && heading(run.metric), run?.value, newest[index]?.run, new Date(model.created / 1e6).toISOString()]
    }),
  ]
  return html`<table class="list"><thead><tr><th>model</th><th>aliases</th><th>newest</th><th>main metric</th><th class="number">value</th><th>made by</th><th>age</th></tr></thead><tbody>
    ${models.map((model, index) => {
      const version = newest[index]
      const run = version && runs(version.run)
      return html`<tr key=${model.name} data-model=${model.name}>
        <td class="named"><a href=${modelPath(model.name)}>${model.name}</a></td>
        <td>${Object.entries(model.aliases).map(([alias, at]) => html`<a key=${alias} class="chip alias" href=${modelPath(model.name, `@${alias}`)}>@${alias} <b>v${at}</b></a> `)}</td>
        <td>${version ? html`<a href=${modelPath(model.name, 'v', String(version.version))}>v${version.version}</a>` : NOTHING}</td>
        <td>${run?.metric ? heading(run.metric) : NOTHING}</td><td class="number">${run?.metric ? number(run.value) : NOTHING}</td>
        <td>${run ? html`<a href=${path('r', version.run.slice(0, 12))}>${run.name || version.run.slice(0, 8)}</a>` : NOTHING}</td>
        <td title=${moment((version?.created ?? model.created) / 1e6)}>${age((version?.created ?? model.created) / 1e6)}</td>
      </tr>`
    })}</tbody></table><p class="muted">${counted(models.length, 'model')} <${CsvButton} name="models" rows=${rows} /></p>`
}

/** Name and main metric of some runs: two requests for all. @param {string[]} ids @returns {(id: string) => {name: string, metric: string | null, value: any} | null} */
function useRuns(ids) {
  const overview = useJson(ids.length ? '/overview' : null)
  const mains = new Map((overview.data?.experiments ?? []).map((/** @type {any} */ each) => [each.name, each.metric]))
  const metrics = [...new Set([...mains.values()].filter(Boolean))].slice(0, 60)
  const table = useJson(overview.data ? '/table' : null, { ids: [...new Set(ids)].join(','), lifecycle: 'all', cols: ['name', 'experiment', ...metrics.map((key) => joined([key]))].join(',') }, { keep: true })
  const places = new Map((table.data?.ids ?? []).map((/** @type {string} */ id, /** @type {number} */ index) => [id, index]))
  return (id) => {
    const index = places.get(id)
    if (index === undefined) return null
    const { cols } = table.data
    const main = mains.get(cols.experiment[index]) ?? null
    return { name: cols.name[index], metric: main, value: main ? cols[main]?.[index] : null }
  }
}
