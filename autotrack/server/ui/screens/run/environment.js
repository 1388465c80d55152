// What the program ran in: interpreter, packages, machine, variables.
import { useState } from 'preact/hooks'
import { CsvButton } from '../../export.js'
import { counted, size } from '../../format.js'
import { html } from '../../html.js'
import { Empty } from '../../states.js'
import { Stored } from './code.js'

/** @param {{of: any}} given */
export function Environment({ of }) {
  const [words, setWords] = useState('')
  if (!of) return html`<${Empty}>The environment was not captured: the run was logged by another client.<//>`
  const { python = {}, os = {}, cpu = {}, gpus = [], variables = {}, blas = [], gaps = [] } = of
  const facts = /** @type {[string, any][]} */ ([
    ['Python', `${python.implementation ?? ''} ${python.version ?? ''} (${python.executable ?? ''})`],
    ['system', [os.distribution, os.system, os.release, os.libc].filter(Boolean).join(', ')],
    ['processor', [cpu.model, cpu.machine, `${cpu.logical} CPUs`, of.memory_bytes && size(of.memory_bytes)].filter(Boolean).join(', ')],
    ['graphics', gpus.length ? gpus.map((/** @type {any} */ gpu) => gpu.name).join(', ') + (of.gpu_driver ? `, driver ${of.gpu_driver}` : '') : 'none'],
    ['threads', blas.map((/** @type {any} */ each) => `${each.internal_api} ${each.version ?? ''} ${each.num_threads}`).join(', ')],
  ])
  return html`<div class="environment">
    <table class="facts"><tbody>${facts.map(([name, text]) => text && html`<tr key=${name}><th>${name}</th><td>${text}</td></tr>`)}</tbody></table>
    ${gaps.map((/** @type {any} */ gap) => html`<p class="gap">${gap.what}${gap.close && html`: ${gap.close}`}</p>`)}
    ${of.lock && html`<section><h2>${counted(of.distributions ?? 0, 'package')} <input type="search" placeholder="search packages" aria-label="search packages" value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} /></h2>
      <${Stored} sha256=${of.lock}>${(/** @type {string} */ text) => html`<${Packages} of=${packages(text)} words=${words} />`}<//></section>`}
    <section><h2>Variables</h2><table class="list"><tbody>${Object.entries(variables).map(([name, value]) => html`<tr key=${name}><td class="mono">${name}</td><td class="mono">${value}</td></tr>`)}</tbody></table></section>
  </div>`
}

/** @param {{of: [string, string][], words: string}} given */
function Packages({ of, words }) {
  const found = of.filter(([name]) => name.toLowerCase().includes(words.toLowerCase()))
  if (!found.length) return html`<p class="muted">No package is called like “${words}”.</p>`
  return html`<p><${CsvButton} name="packages" rows=${() => [['package', 'version'], ...found]} /></p><ul class="packages plain" tabindex="0">${found.map(([name, version]) => html`<li key=${name}><span>${name}</span> <span class="mono muted">${version}</span></li>`)}</ul>`
}

/** The packages in a list of distributions, by name. @param {string} text @returns {[string, string][]} */
export function packages(text) {
  let found = []
  try {
    found = JSON.parse(text).distributions ?? []
  } catch {
    // Of another form: lines as pip writes them.
    found = text.split('\n').filter(Boolean).map((line) => ({ name: line.split('==')[0], version: line.split('==')[1] ?? '' }))
  }
  return found.map((/** @type {any} */ each) => [String(each.name), String(each.version ?? '')])
}
