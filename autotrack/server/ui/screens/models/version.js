// One version, by its number or by an alias: where it came from, what it takes and answers, how it differs from the champion.
import { useState } from 'preact/hooks'
import { useJson } from '../../data.js'
import { age, moment, NOTHING, number } from '../../format.js'
import { useTrail } from '../../frame.js'
import { html } from '../../html.js'
import { link, path } from '../../router.js'
import { Lost, Part } from '../../states.js'
import { ModelCard } from '../run/model_card.js'
import { AliasChip, AliasMoving, NewAlias } from './aliases.js'
import { Difference } from './difference.js'
import { modelPath, useRun, useVersions } from './registry.js'

/** @param {{name: string, version?: string, alias?: string}} given */
export function Version({ name, version, alias }) {
  useTrail([{ text: 'Models', href: '/models' }, { text: name, href: modelPath(name) }, { text: alias ? `@${alias}` : `v${version}` }])
  const found = useJson(`/models/${encodeURIComponent(name)}/${alias ? `aliases/${alias}` : `versions/${version}`}`)
  if (found.error?.status === 404) return html`<${Lost} />`
  return html`<main class="page models"><${Part} of=${found} what="the version">${(/** @type {any} */ data) => html`<${One} of=${data} alias=${alias} />`}<//></main>`
}

/** @param {{of: any, alias?: string}} given */
function One({ of, alias }) {
  const { name, version } = of
  const run = useRun(of.run)
  const model = useJson(`/models/${encodeURIComponent(name)}`)
  const versions = useVersions(name)
  const [wanted, setWanted] = useState(/** @type {any} */ (null))
  const aliases = model.data?.aliases ?? {}
  const champion = aliases.champion ?? Object.values(aliases)[0]
  const against = Object.entries(aliases).find(([, at]) => at === champion)?.[0]
  const all = versions.data?.versions ?? []
  const uri = alias ? `models:/${name}@${alias}` : `models:/${name}/${version}`
  return html`
    <header class="tools"><h1>${name} <span data-shown=${version}>v${version}</span></h1>
      <span class="aliases">${of.aliases.map((/** @type {string} */ each) => html`<${AliasChip} key=${each} name=${name} alias=${each} at=${version} versions=${all} want=${setWanted} />`)}<${NewAlias} version=${version} aliases=${aliases} want=${setWanted} /></span>
      <span class="muted" title=${moment(of.created / 1e6)}>${of.user ? `by ${of.user}, ` : ''}${age(of.created / 1e6)}</span>
    </header>
    ${of.description && html`<p>${of.description}</p>`}
    <p class="tags">${Object.entries(of.tags).map(([key, value]) => html`<span key=${key} class="chip">${key}: ${value}</span> `)}</p>
    <${Lineage} of=${of} run=${run.data} />
    ${run.data && html`<p class="metrics">${Object.entries(run.data.metrics).slice(0, 12).map(([key, value]) => html`<span key=${key}><span class="muted">${key}</span> <b>${number(/** @type {any} */ (value))}</b></span>`)}</p>`}
    <${Card} of=${of} run=${run} uri=${uri} />
    ${champion !== undefined && champion !== version && html`<section class="against"><h2>Differs from <a href=${modelPath(name, `@${against}`)}>@${against}</a> <span class="muted">v${champion}</span> <a class="more" href=${link(modelPath(name, 'diff'), { a: champion, b: version })}>Open</a></h2>
      <${Difference} a=${all.find((/** @type {any} */ each) => each.version === champion)} b=${of} /></section>`}
    ${wanted && html`<${AliasMoving} name=${name} wanted=${wanted} close=${() => setWanted(null)} />`}`
}

/** @param {{of: any, run: any, uri: string}} given */
function Card({ of, run, uri }) {
  const inside = /^runs:\/[^/]+\/(.+)$/.exec(of.source)?.[1]
  if (run.error) return html`<p class="muted">The run that made it is not here any more; its files are at <code>${of.artifact_uri ?? of.source}</code>.</p>`
  if (!of.run) return html`<p class="muted">It was registered from <code>${of.source}</code>, not from a run of this store.</p>`
  const found = run.data?.models?.find((/** @type {any} */ each) => each.path === inside) ?? run.data?.models?.find((/** @type {any} */ each) => each.digest === of.digest)
  if (!run.data) return null
  return found ? html`<${ModelCard} run=${run.data} model=${found} uri=${uri} />` : html`<p class="muted">Its run does not say what kind of model <code>${of.source}</code> is.</p>`
}

/** From what to what: data, code, run, version, alias. @param {{of: any, run: any}} given */
function Lineage({ of, run }) {
  const place = useJson(of.run ? '/table' : null, { ids: of.run, cols: 'commit,user', lifecycle: 'all' })
  const commit = place.data?.cols.commit?.[0]
  const at = of.run?.slice(0, 12)
  const data = (run?.datasets ?? []).map((/** @type {any} */ each) => each.name).filter(Boolean)
  const parts = [
    { what: 'data', text: data.length ? data.slice(0, 3).join(', ') : 'not captured', href: at && path('r', at, 'data'), known: data.length > 0 },
    { what: 'code', text: commit ? commit.slice(0, 8) : 'not captured', href: at && path('r', at, 'code'), known: Boolean(commit) },
    { what: 'run', text: run?.name || at || NOTHING, href: at && path('r', at), known: Boolean(at) },
    { what: 'version', text: `v${of.version}`, href: modelPath(of.name, 'v', String(of.version)), known: true },
    ...of.aliases.map((/** @type {string} */ alias) => ({ what: 'alias', text: `@${alias}`, href: modelPath(of.name, `@${alias}`), known: true })),
  ]
  return html`<nav class="lineage" aria-label="where it came from">${parts.map((part, index) => html`<span key=${index} class=${part.known ? '' : 'muted'} data-part=${part.what}><span class="muted">${part.what}</span> ${part.href && part.known ? html`<a href=${part.href}>${part.text}</a>` : part.text}</span>`)}</nav>`
}
