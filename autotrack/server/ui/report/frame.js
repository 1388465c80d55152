// What is around the pages of a report: what it is, when it was made, the way to its runs.
import { useState } from 'preact/hooks'
import { moment } from '../format.js'
import { Keys, Logo, Theme } from '../frame.js'
import { html } from '../html.js'
import { useKeys } from '../keys.js'
import { Notices } from '../notice.js'
import { navigate, path, place } from '../router.js'

/** @param {{of: import('./answers.js').Document, start: string, children: any}} given */
export function ReportFrame({ of, start, children }) {
  const [help, setHelp] = useState(false)
  useKeys([
    { keys: '?', does: 'show the keys', run: () => setHelp(true) },
    { keys: 'g h', does: 'go to the first page of the report', run: () => navigate(start) },
  ])
  const { screen, path: at } = place.value
  return html`<header class="bar">
      <a class="logo" href=${start} aria-label="what is in the report"><${Logo} /></a>
      <b class="title" title=${of.title}>${of.title}</b>
      ${of.runs.length > 1 && html`<nav class="places held" aria-label="what is in the report">
        <a href=${start} aria-current=${screen === 'compare' ? 'page' : undefined}>Compared</a>
        ${of.runs.map((run) => html`<a key=${run.id} href=${path('r', run.id.slice(0, 12))} title=${run.name} aria-current=${screen === 'run' && run.id.startsWith(at.run) ? 'page' : undefined}>${run.name || run.id.slice(0, 8)}</a>`)}
      </nav>`}
      <span class="muted made">report of ${moment(of.made).slice(0, 16)}, autotrack ${of.version}</span>
      <${Theme} />
      <button class="quiet" title="Keys (?)" aria-label="Keys" onClick=${() => setHelp(true)}>?</button>
    </header>
    ${children}
    <${Notices} />
    ${help && html`<${Keys} close=${() => setHelp(false)} />`}`
}
