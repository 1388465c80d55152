// What made the run, line by line: captured, in part, or not, and how to close each hole.
import { Copied } from '../../copy.js'
import { useJson } from '../../data.js'
import { counted, size } from '../../format.js'
import { html } from '../../html.js'
import { path } from '../../router.js'
import { quoted } from '../../shell.js'

/** @typedef {{state: 'whole' | 'part' | 'none', what: string, text: any, why?: string, href?: string}} Line */

const STATES = { whole: ['✓', 'captured'], part: ['◐', 'captured in part'], none: ['○', 'not captured'] }

/** @param {{run: any, session: any, files: number}} given `files`: how many the program read */
export function Reproduce({ run, session, files }) {
  const lines = session ? linesOf(run, session, files) : []
  const again = session ? againOf(session) : ''
  const { 'autotrack.rebuilt': verdict, 'autotrack.rebuilt_as': other, 'autotrack.rebuilt_in': where } = run.tags ?? {}
  const known = useJson(session ? path('runs', run.id, 'rebuildability') : null).data
  return html`<section class="card reproduce" aria-label="reproduce"><h2>Reproduce ${known && html`<span class="chip" title="of what a rebuild takes is known">${known.score} %</span>`}</h2>
    ${verdict && html`<p>Rebuilt: <a href=${path('r', other || run.id)}>${verdict}</a>${where && html`<small class="muted">environment ${where}</small>`}</p>`}
    ${again && html`<p><${Copied} text=${again} /><small class="muted">the same command, as your files are now</small></p>
      <p><${Copied} text=${`autotrack rebuild ${run.id.slice(0, 12)}`} /><small class="muted">what was captured, run again and compared</small></p>`}
    ${!session && html`<p class="muted">Nothing is known of the program: the run was logged by another client.</p>`}
    <ul>${lines.map(({ state, what, text, why, href }) => html`<li key=${what} class=${state} data-part=${what.toLowerCase()} data-state=${state}>
      <i title=${STATES[state][1]} aria-label=${STATES[state][1]}>${STATES[state][0]}</i>
      <span class="what">${what}</span><span class="value">${href ? html`<a href=${href}>${text}</a>` : text}${why && html`<small>${why}</small>`}</span></li>`)}</ul>
  </section>`
}

/** The line that runs the same program with the same arguments, tracked. @param {any} session */
export function againOf(session) {
  const [, ...words] = session.data?.argv ?? session.parts?.arguments?.argv ?? []
  const within = `${session.data?.cwd ?? ''}/`
  return words.length ? `autotrack run ${words.map((/** @type {string} */ word) => quoted(word.startsWith(within) ? word.slice(within.length) : word)).join(' ')}` : ''
}

/** @param {any} run @param {any} session @param {number} read how many files the program read @returns {Line[]} */
export function linesOf(run, session, read) {
  const { data = {}, parts = {} } = session
  const { code, environment, seeds, files, arguments: given } = parts
  const at = path('r', run.id.slice(0, 12))
  const holes = (/** @type {any} */ part) => (part?.gaps ?? []).map((/** @type {any} */ gap) => (gap.close ? `${gap.what}; ${gap.close}` : gap.what)).join('. ')
  const argv = (data.argv ?? given?.argv ?? []).map((/** @type {string} */ word, /** @type {number} */ index) => (index ? quoted(word) : word.split('/').at(-1)))
  /** @type {Line[]} */
  const lines = [{ state: argv.length ? 'whole' : 'none', what: 'Command', text: html`<code>${argv.join(' ') || 'not captured'}</code>` }]
  if (!code) lines.push({ state: 'none', what: 'Code', text: 'code not captured', why: 'run it with `autotrack run`, or in a git repository' })
  else if (code.kind === 'git') {
    const stat = code.diff_stat
    lines.push({ state: code.dirty ? 'part' : 'whole', what: 'Code', href: `${at}/code`, text: `${String(code.commit ?? '').slice(0, 10)}${code.branch ? ` on ${code.branch}` : ''}${code.dirty ? ' + patch' : ''}`, why: code.dirty && stat ? `${counted(stat.files, 'file')} changed and kept: +${stat.insertions} −${stat.deletions}` : holes(code) })
  } else {
    const count = Object.keys(code.sources ?? {}).length
    lines.push({ state: count ? 'part' : 'none', what: 'Code', href: `${at}/code`, text: count ? `${counted(count, 'source file')} kept, no git` : 'code not captured', why: holes(code) || 'commit it in a git repository, and the run says which version it was' })
  }
  const packages = environment?.distributions
  lines.push({ state: environment?.lock ? 'whole' : 'none', what: 'Environment', href: `${at}/env`, text: environment ? `Python ${environment.python?.version ?? '?'}, ${counted(packages ?? 0, 'package')}` : 'not captured', why: holes(environment) })
  const tables = run.datasets ?? []
  const names = tables.slice(0, 3).map((/** @type {any} */ each) => `${each.name || each.context || 'table'} ${each.rows ? `${each.rows.toLocaleString('en-US')} rows` : ''} ${String(each.digest ?? '').slice(0, 8)}`)
  lines.push({ state: tables.length || read ? 'whole' : 'none', what: 'Data', href: `${at}/data`, text: tables.length ? names.join('; ') : read ? `${counted(read, 'file')} read, by ${read === 1 ? 'its' : 'their'} sha256` : 'no data set seen', why: holes(files) || (tables.length || read ? '' : 'fit on a table, or run it with `autotrack run`') })
  const seeded = [seeds?.python?.seeded, seeds?.numpy?.seeded, seeds?.torch?.seeded]
  const values = [...(seeds?.python?.seeds ?? []), ...(seeds?.numpy?.seeds ?? []), ...(seeds?.torch?.seeds ?? [])]
  lines.push({ state: values.length ? 'whole' : seeded.includes(false) ? 'part' : seeds ? 'part' : 'none', what: 'Seeds', text: values.length ? values.map((/** @type {any} */ each) => (typeof each === 'object' ? (each.value ?? JSON.stringify(each)) : each)).join(', ') : 'states kept, no seed set', why: values.length ? '' : holes(seeds) || 'set seeds to have the same numbers again' })
  const { cpu, memory_bytes: memory, gpus = [] } = environment ?? {}
  if (cpu) lines.push({ state: 'whole', what: 'Hardware', text: [cpu.model, `${cpu.logical} CPUs`, memory && size(memory), ...gpus.map((/** @type {any} */ gpu) => gpu.name)].filter(Boolean).join(', ') })
  return lines
}
