// One model: its versions with their metrics, which alias stands for which, how the aliases moved.
import { useState } from 'preact/hooks'
import { heading, joined } from '../../columns.js'
import { CopyButton } from '../../copy.js'
import { useJson } from '../../data.js'
import { CsvButton } from '../../export.js'
import { age, counted, moment, NOTHING, number } from '../../format.js'
import { useTrail } from '../../frame.js'
import { html } from '../../html.js'
import { link, path } from '../../router.js'
import { Empty, Lost, Part } from '../../states.js'
import { AliasChip, AliasMoving, NewAlias } from './aliases.js'
import { modelPath, useVersions } from './registry.js'

const COLUMNS = 5

/** @param {{name: string}} given */
export function Model({ name }) {
  useTrail([{ text: 'Models', href: '/models' }, { text: name }])
  const model = useJson(`/models/${encodeURIComponent(name)}`)
  const versions = useVersions(name)
  const [wanted, setWanted] = useState(/** @type {import('./aliases.js').Wanted | null} */ (null))
  if (model.error?.status === 404) return html`<${Lost} />`
  return html`<main class="page models">
    <${Part} of=${model} what="the model" rows=${2}>${(/** @type {any} */ data) => html`<header class="tools"><h1>${name}</h1><span class="muted">${data.user ? `by ${data.user}, ` : ''}${age(data.created / 1e6)}</span><${CopyButton} text=${`autotrack.load_model("models:/${name}@${Object.keys(data.aliases)[0] ?? 'champion'}")`}>Copy how to load it<//></header>
      ${data.description && html`<p>${data.description}</p>`}
      <p class="tags">${Object.entries(data.tags).map(([key, value]) => html`<span key=${key} class="chip">${key}: ${value}</span> `)}</p>`}<//>
    <${Part} of=${versions} what="the versions">${(/** @type {any} */ data) => (data.versions.length ? html`<${Versions} name=${name} versions=${data.versions} aliases=${model.data?.aliases ?? {}} want=${setWanted} />` : html`<${Empty} line=${`autotrack models register runs:/RUN/model ${name}`}>No versions yet:<//>`)}<//>
    <${Moves} name=${name} />
    ${wanted && html`<${AliasMoving} name=${name} wanted=${wanted} close=${() => setWanted(null)} />`}
  </main>`
}

/** @param {{name: string, versions: any[], aliases: Record<string, number>, want: (wanted: any) => void}} given */
function Versions({ name, versions, aliases, want }) {
  const [over, setOver] = useState(0)
  const [picked, setPicked] = useState(/** @type {number[]} */ ([]))
  const ids = [...new Set(versions.map((each) => each.run).filter(Boolean))]
  const names = useJson(ids.length ? '/table' : null, { ids: ids.join(','), cols: 'name,experiment,commit', lifecycle: 'all' })
  const exp = names.data?.cols.experiment?.[0]
  const known = useJson(exp ? '/columns' : null, { exp })
  const keys = (known.data?.metrics ?? []).slice(0, COLUMNS).map((/** @type {string} */ key) => `m.${key}`)
  const table = useJson(known.data ? '/table' : null, { ids: ids.join(','), cols: ['name', 'commit', ...keys.map((/** @type {string} */ key) => joined([key]))].join(','), lifecycle: 'all' }, { keep: true })
  const places = new Map((table.data?.ids ?? []).map((/** @type {string} */ id, /** @type {number} */ index) => [id, index]))
  const value = (/** @type {any} */ version, /** @type {string} */ key) => table.data?.cols[key]?.[places.get(version.run)]
  const best = (/** @type {string} */ key) => {
    const all = versions.map((each) => value(each, key)).filter((each) => typeof each === 'number')
    const goal = known.data?.goals?.[key]
    return goal && all.length > 1 ? (goal === 'max' ? Math.max(...all) : Math.min(...all)) : null
  }
  const drop = (/** @type {DragEvent} */ event, /** @type {number} */ version) => {
    event.preventDefault()
    setOver(0)
    const alias = event.dataTransfer?.getData('text/plain') ?? ''
    if (alias in aliases && aliases[alias] !== version) want({ alias, from: aliases[alias], to: version })
  }
  const pick = (/** @type {number} */ version) => setPicked(picked.includes(version) ? picked.filter((each) => each !== version) : [...picked.slice(-1), version])
  const rows = () => [
    ['version', 'aliases', ...keys.map((/** @type {string} */ key) => heading(key)), 'run', 'created', 'description'],
    ...versions.map((each) => [each.version, each.aliases.join(' '), ...keys.map((/** @type {string} */ key) => value(each, key)), each.run, new Date(each.created / 1e6).toISOString(), each.description]),
  ]
  return html`<div class="wide"><table class="list versions"><thead><tr><th><span class="unseen">compare</span></th><th>version</th><th>aliases</th>${keys.map((/** @type {string} */ key) => html`<th key=${key} class="number">${heading(key)}</th>`)}<th>made by</th><th>age</th><th>description</th></tr></thead><tbody>
    ${versions.map((version) => html`<tr key=${version.version} data-version=${version.version} class=${over === version.version ? 'over' : ''}
      onDragOver=${(/** @type {Event} */ event) => { event.preventDefault(); setOver(version.version) }} onDragLeave=${() => setOver(0)} onDrop=${(/** @type {DragEvent} */ event) => drop(event, version.version)}>
      <td><input type="checkbox" aria-label=${`compare v${version.version}`} checked=${picked.includes(version.version)} onChange=${() => pick(version.version)} /></td>
      <td><a href=${modelPath(name, 'v', String(version.version))}><b>v${version.version}</b></a>${version.status !== 'READY' && html` <span class="chip warn">${version.status.toLowerCase()}</span>`}</td>
      <td class="aliases">${version.aliases.map((/** @type {string} */ alias) => html`<${AliasChip} key=${alias} name=${name} alias=${alias} at=${version.version} versions=${versions} want=${want} />`)}<${NewAlias} version=${version.version} aliases=${aliases} want=${want} /></td>
      ${keys.map((/** @type {string} */ key) => html`<td key=${key} class=${`number ${value(version, key) !== undefined && value(version, key) === best(key) ? 'best' : ''}`}>${number(value(version, key))}</td>`)}
      <td>${version.run ? html`<a href=${path('r', version.run.slice(0, 12))}>${table.data?.cols.name?.[places.get(version.run)] || version.run.slice(0, 8)}</a>` : NOTHING}</td>
      <td title=${moment(version.created / 1e6)}>${age(version.created / 1e6)}</td><td class="muted described">${version.description}</td>
    </tr>`)}</tbody></table></div>
    <p class="compare-versions">${versions.length > 1 && html`${picked.length === 2 ? html`<a class="button main" href=${link(modelPath(name, 'diff'), { a: Math.min(...picked), b: Math.max(...picked) })}>Compare v${Math.min(...picked)} and v${Math.max(...picked)}</a>` : html`<span class="muted">${counted(versions.length, 'version')}. Tick two to see how they differ; drag an alias to another version to move it.</span>`}`} <${CsvButton} name=${`versions of ${name}`} rows=${rows} /></p>`
}

/** @param {{name: string}} given */
function Moves({ name }) {
  const found = useJson(`/models/${encodeURIComponent(name)}/moves`)
  const moves = found.data?.moves ?? []
  if (!moves.length) return null
  return html`<section class="moves"><h2>How the aliases moved</h2><table class="list"><tbody>${moves.slice(0, 100).map((/** @type {any} */ each, /** @type {number} */ index) => html`<tr key=${index}>
    <td title=${moment(each.moved / 1e6)}>${age(each.moved / 1e6)}</td><td>@${each.alias}</td><td>${each.version === null ? 'taken away' : html`to <a href=${modelPath(name, 'v', String(each.version))}>v${each.version}</a>`}</td><td class="muted">${each.user ?? ''}</td></tr>`)}</tbody></table></section>`
}
