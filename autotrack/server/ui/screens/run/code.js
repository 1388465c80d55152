// The code that ran: the commit, what was changed in it, the sources that no commit has.
import { address } from '../../api.js'
import { useData } from '../../data.js'
import { counted } from '../../format.js'
import { html } from '../../html.js'
import { Empty, Part } from '../../states.js'
import { Lines } from './text_viewers.js'
import { useState } from 'preact/hooks'

/** @param {{code: any, gaps: any[] | undefined}} given */
export function Code({ code, gaps = [] }) {
  const [shown, setShown] = useState(/** @type {string | null} */ (null))
  if (!code) return html`<${Empty} line="autotrack run train.py">The code was not captured. Run it in a git repository, or with:<//>`
  const sources = Object.entries(code.sources ?? {})
  return html`<div class="code">
    <table class="facts"><tbody>
      <tr><th>started as</th><td><code>${code.entry}</code></td></tr>
      ${code.commit && html`<tr><th>commit</th><td><code>${code.commit}</code>${code.branch && ` on ${code.branch}`}${code.dirty ? html` <span class="chip warn">changed</span>` : html` <span class="chip good">clean</span>`}</td></tr>`}
      ${code.remote && html`<tr><th>from</th><td><code>${code.remote}</code></td></tr>`}
      <tr><th>in</th><td><code>${code.root}</code></td></tr>
    </tbody></table>
    ${gaps.map((/** @type {any} */ gap) => html`<p class="gap">${gap.what}${gap.close && html`: ${gap.close}`}</p>`)}
    ${code.diff && html`<section><h2>What was changed since the commit</h2><${Stored} sha256=${code.diff}>${(/** @type {string} */ text) => html`<${Patch} text=${text} />`}<//></section>`}
    ${sources.length > 0 && html`<section><h2>${counted(sources.length, 'source file')}</h2><ul class="plain">${sources.map(([name, kept]) => {
      const sha256 = typeof kept === 'string' ? kept : /** @type {any} */ (kept)?.sha256
      return html`<li key=${name}><button class="quiet" aria-expanded=${shown === name} onClick=${() => setShown(shown === name ? null : name)}>${shown === name ? '▾' : '▸'} ${name}</button>${shown === name && sha256 && html`<${Stored} sha256=${sha256}>${(/** @type {string} */ text) => html`<${Lines} text=${text} />`}<//>`}</li>`
    })}</ul></section>`}
  </div>`
}

/** A content that is known by its sha256, as text. @param {{sha256: string, children: (text: string) => any}} given */
export function Stored({ sha256, children }) {
  const found = useData(`object:${sha256}`, async (signal) => {
    const answer = await fetch(address(`/objects/${sha256}`), { signal })
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
    return answer.text()
  })
  return html`<${Part} of=${found} what="the text">${children}<//>`
}

/** A unified diff, its lines by what they do. @param {{text: string}} given */
export function Patch({ text }) {
  const kind = (/** @type {string} */ line) => (/^(\+\+\+|---|diff |index )/.test(line) ? 'head' : line.startsWith('@@') ? 'place' : line.startsWith('+') ? 'added' : line.startsWith('-') ? 'gone' : '')
  const lines = text.split('\n')
  return html`<pre tabindex="0" class="patch">${lines.slice(0, 5000).map((line, index) => html`<span key=${index} class=${kind(line)}>${`${line}\n`}</span>`)}</pre>${lines.length > 5000 && html`<p class="muted">${counted(lines.length - 5000, 'more line')}</p>`}`
}
