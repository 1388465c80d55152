// The status of a run: a shape and a word, never a colour alone.
import { html } from './html.js'

/** @type {Record<string, [string, string]>} */
const LOOKS = {
  RUNNING: ['◐', 'running'],
  FINISHED: ['●', 'finished'],
  FAILED: ['✕', 'failed'],
  KILLED: ['■', 'killed'],
  CRASHED: ['▲', 'crashed'],
  SCHEDULED: ['○', 'scheduled'],
}

/** @param {{of: string, word?: boolean}} given `word`: said in words, too */
export function Status({ of, word = false }) {
  const [sign, name] = LOOKS[of] ?? ['○', String(of).toLowerCase()]
  return html`<span class=${`status ${name}`} title=${name}><i aria-hidden=${word}>${sign}</i>${word ? ` ${name}` : html`<span class="unseen">${name}</span>`}</span>`
}
