// What separates the best of many runs from the rest: the strongest params first.
import { heading } from '../../columns.js'
import { counted, number } from '../../format.js'
import { html } from '../../html.js'
import { change, changed, link, path, place } from '../../router.js'
import { Empty } from '../../states.js'

/** @param {{data: any, compared: import('./compared.js').Compared}} given */
export function Separated({ data, compared }) {
  const { metric, goal, params, threshold } = data
  const top = Number(place.value.query.get('top')) || 10
  if (!metric || !goal || !data.compared) return html`<${Empty}>${metric ? `Nothing says whether more or less of ${heading(metric)} is better; the experiment's tags autotrack.metric and autotrack.goal do.` : 'These runs have no metric to compare them by.'}<//>`
  const best = link(path('e', compared.experiment), { where: [compared.where && `(${compared.where})`, `${named(metric)} ${goal === 'min' ? '<=' : '>='} ${threshold}`].filter(Boolean).join(' and ') })
  return html`<section class="separated">
    <p class="said">What separates the best <input class="top" type="number" min="1" max="90" aria-label="percent" value=${top} onChange=${(/** @type {any} */ event) => change({ top: event.target.value }, { replace: true })} /> %
      (<a href=${best}>${counted(data.best, 'run')}</a>, ${heading(metric)} ${goal === 'min' ? 'at most' : 'at least'} ${number(threshold)}) from the rest of ${data.compared < compared.total ? 'the newest ' : ''}${number(data.compared)}. <a href=${changed({ tab: 'parallel' })}>See them all</a></p>
    ${!params.length && html`<p class="muted">No param varies in these runs.</p>`}
    ${params.map((/** @type {any} */ one) => html`<article class="card" key=${one.key} data-param=${one.key}>
      <header><h3>${heading(one.key)}</h3><span class="strength" title=${`strength ${number(one.strength, 2)} of 1`}><u style=${{ width: `${Math.round(one.strength * 100)}%` }}></u></span><span class="muted">${strengthWord(one)}</span></header>
      ${one.values.length ? html`<${Shares} values=${one.values} />` : html`<${Quarters} best=${one.best} rest=${one.rest} />`}
    </article>`)}
  </section>`
}

/** @param {string} metric */
const named = (metric) => (/^m\.[A-Za-z_]\w*$/.test(metric) ? metric : `m.\`${metric.slice(2).replaceAll('`', '``')}\``)

/** @param {any} one */
function strengthWord({ strength, correlation }) {
  const word = strength > 0.3 ? 'strong' : strength > 0.12 ? 'some' : 'little'
  return `${word} (${number(strength, 2)}${correlation === null ? '' : `, rank correlation ${number(correlation, 2)}`})`
}

/** @param {{values: any[]}} given */
function Shares({ values }) {
  const most = Math.max(...values.flatMap((each) => [each.best, each.rest]), 0.01)
  const bar = (/** @type {number} */ share, /** @type {string} */ kind) => html`<i class=${kind}><u style=${{ width: `${(share / most) * 90}%` }}></u><em>${number(share * 100, 2)} %</em></i>`
  return html`<table class="shares"><tbody>${values.map((each) => html`<tr key=${each.value}><th scope="row" title=${each.value}>${each.value}</th><td>${bar(each.best, 'best')}${bar(each.rest, 'rest')}</td></tr>`)}</tbody></table>`
}

/** The middle half of the numbers, of the best and of the rest. @param {{best: any, rest: any}} given */
function Quarters({ best, rest }) {
  if (!best || !rest) return null
  const values = [best.low, best.high, rest.low, rest.high]
  const log = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > 100
  const at = (/** @type {number} */ value) => (log ? Math.log10(value) : value)
  const low = Math.min(...values.map(at))
  const high = Math.max(...values.map(at))
  const share = (/** @type {number} */ value) => (high > low ? ((at(value) - low) / (high - low)) * 100 : 50)
  const line = (/** @type {any} */ of, /** @type {string} */ kind) => html`<tr><th scope="row">${kind}</th><td><i class=${`range ${kind}`}><u style=${{ left: `${share(of.low)}%`, width: `${Math.max(1, share(of.high) - share(of.low))}%` }}></u><b style=${{ left: `${share(of.median)}%` }}></b></i></td>
    <td class="number">${number(of.low, 3)} to ${number(of.high, 3)}, middle ${number(of.median, 3)}</td></tr>`
  return html`<table class="quarters"><tbody>${line(best, 'best')}${line(rest, 'rest')}</tbody></table>`
}
