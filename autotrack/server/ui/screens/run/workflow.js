// The runs inside a run as the steps of a workflow: which took what from which, drawn from left to right.
import { useJson } from '../../data.js'
import { html } from '../../html.js'
import { path } from '../../router.js'
import { Status } from '../../status.js'
import { laidOut } from './steps.js'

/** Steps above which a drawing says less than the table. */
const MOST = 150

/** @param {{run: any}} given nothing is drawn where no step took anything from another */
export function Workflow({ run }) {
  const { data } = useJson(path('runs', run.id, 'workflow'))
  const steps = /** @type {import('./steps.js').Step[]} */ (data?.steps ?? [])
  if (steps.length > MOST || !steps.some((step) => Object.keys(step.after).length)) return null
  const { nodes, edges, width, height } = laidOut(steps)
  const names = new Map(steps.map((step) => [step.run, step.name || step.run.slice(0, 8)]))
  const taken = (/** @type {import('./steps.js').Step} */ step) => Object.entries(step.after).map(([other, things]) => `${things.join(', ')} from ${names.get(other)}`).join('; ')
  return html`<section class="workflow" aria-label="workflow"><h2>Workflow</h2><div class="wide"><div class="steps" style=${{ width: `${width}px`, height: `${height}px` }}>
    <svg width=${width} height=${height} aria-hidden="true">${edges.map((edge) => html`<path key=${`${edge.from} ${edge.to}`} d=${edge.line}><title>${edge.things.join(', ')}</title></path>`)}</svg>
    ${nodes.map(({ step, left, top }) => html`<a key=${step.run} class="step" href=${path('r', step.run.slice(0, 12))} data-step=${names.get(step.run)} title=${taken(step) ? `took ${taken(step)}` : 'took nothing from another'} style=${{ left: `${left}px`, top: `${top}px` }}>
      <span><${Status} of=${step.status} /> <b>${names.get(step.run)}</b></span>
      <small class="muted">${step.reused ? `as ${step.reused.slice(0, 8)}, not run again` : taken(step) || ' '}</small></a>`)}
  </div></div></section>`
}
