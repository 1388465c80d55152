// How two versions differ: what they take and answer, and what their runs differ in.
import { address } from '../../api.js'
import { useData, useJson } from '../../data.js'
import { useTrail } from '../../frame.js'
import { html } from '../../html.js'
import { change, path, place } from '../../router.js'
import { Lost, Part } from '../../states.js'
import { Block } from '../compare/block.js'
import { fields } from '../run/signature.js'
import { modelPath, useVersions } from './registry.js'

/** The page of two versions. @param {{name: string}} given */
export function VersionDifference({ name }) {
  const { query } = place.value
  useTrail([{ text: 'Models', href: '/models' }, { text: name, href: modelPath(name) }, { text: `v${query.get('a')} and v${query.get('b')}` }])
  const versions = useVersions(name)
  return html`<main class="page models"><${Part} of=${versions} what="the versions">${(/** @type {any} */ data) => {
    const of = (/** @type {string} */ side) => data.versions.find((/** @type {any} */ each) => String(each.version) === query.get(side))
    if (!of('a') || !of('b')) return html`<${Lost} />`
    const choose = (/** @type {string} */ side) => html`<select aria-label=${side === 'a' ? 'base' : 'other'} value=${query.get(side)} onChange=${(/** @type {any} */ event) => change({ [side]: event.target.value })}>${data.versions.map((/** @type {any} */ each) => html`<option key=${each.version} value=${String(each.version)}>v${each.version}${each.aliases.length ? ` @${each.aliases.join(' @')}` : ''}</option>`)}</select>`
    return html`<header class="tools"><h1>${name}</h1>${choose('a')} <span class="muted">and</span> ${choose('b')}</header><${Difference} a=${of('a')} b=${of('b')} />`
  }}<//></main>`
}

/** @param {{a: any, b: any}} given versions; `a` is what `b` is compared with */
export function Difference({ a, b }) {
  const known = a?.run && b?.run
  const beside = useJson(known && a.run !== b.run ? '/compare' : null, { runs: `${a?.run},${b?.run}` })
  const first = useSignature(a)
  const second = useSignature(b)
  if (!a || !b) return null
  const signature = { name: 'signature', equal: 0, hidden: 0, rows: signatureRows(first.data, second.data) }
  const runs = [{ id: `${a.version}a`, name: `v${a.version}` }, { id: `${b.version}b`, name: `v${b.version}` }]
  const head = html`<thead><tr class="heads"><th></th>${[a, b].map((each, index) => html`<th key=${index} scope="col"><a href=${modelPath(each.name, 'v', String(each.version))}>v${each.version}</a>${each.aliases.map((/** @type {string} */ alias) => html` <span key=${alias} class="chip">@${alias}</span>`)}</th>`)}</tr></thead>`
  if (!known) return html`<p class="muted">One of these versions has no run in this store: only what the registry says can be compared.</p><table class="list sides">${head}<${Block} block=${signature} runs=${runs} /></table>`
  if (a.run === b.run) return html`<p class="muted">Both come from one run, <a href=${path('r', a.run.slice(0, 12))}>${a.run.slice(0, 8)}</a>.</p><table class="list sides">${head}<${Block} block=${signature} runs=${runs} /></table>`
  return html`<${Part} of=${beside} what="the difference">${(/** @type {any} */ data) => html`<div class="wide"><table class="list sides">${head}<${Block} block=${signature} runs=${data.runs} />${data.blocks.map((/** @type {any} */ block) => html`<${Block} key=${block.name} block=${block} runs=${data.runs} />`)}</table></div>`}<//>`
}

/** The inputs and outputs of a version, as text by name. @param {any} version */
function useSignature(version) {
  const inside = /^runs:\/[^/]+\/(.+)$/.exec(version?.source ?? '')?.[1]
  const key = version?.run && inside ? `signature:${version.run}/${inside}` : null
  return useData(key, async (signal) => {
    const answer = await fetch(address(path('runs', version.run, 'artifacts', `${inside}/MLmodel`)), { signal })
    const { inputs, outputs } = fields(answer.ok ? await answer.text() : '')
    const text = (/** @type {any} */ each) => `${each.type}${each.shape ? ` ${each.shape}` : ''}${each.required ? '' : ', optional'}`
    return Object.fromEntries([...inputs.map((each) => [`takes ${each.name}`, text(each)]), ...outputs.map((each) => [`answers ${each.name}`, text(each)])])
  })
}

/** @param {Record<string, string>} [a] @param {Record<string, string>} [b] */
export function signatureRows(a = {}, b = {}) {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]).map((key) => ({ key, values: [a[key] ?? null, b[key] ?? null], same: false, delta: null, goal: null, path: null }))
}
