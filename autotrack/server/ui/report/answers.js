// The answers that a report holds, to the questions that pages ask of a server; nothing here draws.
import { split } from '../columns.js'
import { besides } from './beside.js'
import { curvesIn, keysOf, linesOf, packed } from './curves.js'

/**
 * @typedef {{media: string, data: string}} Kept base64
 * @typedef {object} Document what server/report/holding.py has gathered
 * @property {number} format @property {string} title @property {number} made milliseconds @property {string} version
 * @property {{id: string, name: string, experiment: string, experiment_id: string}[]} runs
 * @property {Record<string, any>} answers by path and sorted query
 * @property {Record<string, Kept>} files by path
 * @property {{x: string, data: string}[]} curves
 * @property {Record<string, number>} left
 */

/** The bytes of a text in base64. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function bytesOf(text) {
  const binary = atob(text)
  const found = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at += 1) found[at] = binary.charCodeAt(at)
  return found
}

export class Held {
  /** @param {Document} document */
  constructor(document) {
    this.document = document
    /** @type {Map<string, import('../curves.js').Curve> | null} */
    this.lines = null
  }

  /** The run that is named by its id or the beginning of it. @param {string} name */
  run(name) {
    const found = this.document.runs.filter(({ id }) => id.startsWith(name))
    return name && found.length === 1 ? found[0] : undefined
  }

  /**
   * What a server would answer with, or null where the report does not hold it.
   * @param {string} path below `/api/v1`, decoded @param {Record<string, string>} query @param {any} [body] what a POST sends
   * @returns {{json: any} | {bytes: ArrayBuffer, media: string} | null}
   */
  answer(path, query, body) {
    const { answers, files } = this.document
    if (body !== undefined) return told(path === '/files/search' ? answers[keyOf(path, { sessions: (body.sessions ?? []).join(',') })] : null)
    if (path === '/series') return { bytes: packed(this.series(query)), media: 'application/x-autotrack-curves' }
    if (path === '/compare') return told(this.beside(query))
    if (path === '/compare/code') return told(this.code(query))
    if (path === '/columns') return told(answers[keyOf(path, { exp: this.experiment(query.exp) })])
    if (path === '/table' && query.ids) return told(this.table(query))
    const full = path.replace(/^\/runs\/([^/]+)/, (whole, name) => (this.run(name) ? `/runs/${this.run(name)?.id}` : whole))
    const asked = Object.fromEntries(Object.entries(query).filter(([name]) => name !== 'view'))
    const kept = files[full]
    return kept ? { bytes: bytesOf(kept.data).buffer, media: kept.media } : told(answers[keyOf(full, asked)])
  }

  /** @param {string} name an experiment's name or id */
  experiment(name) {
    return this.document.runs.find((run) => run.experiment === name)?.experiment_id ?? name
  }

  /** @param {Record<string, string>} query */
  series(query) {
    this.lines ??= curvesIn(this.document.curves.map(({ x, data }) => ({ x, data: bytesOf(data).buffer })))
    const ids = query.runs.split(',').map((name) => this.run(name)?.id ?? name)
return linesOf(this.lines, ids, keysOf(query.keys), query)
  }

  /** The comparison of all runs, as it is kept: every row. */
  compared() {
    return this.document.answers[keyOf('/compare', { runs: this.document.runs.map(({ id }) => id).join(','), same: '1' })]
  }

  /** @param {Record<string, string>} query */
  beside(query) {
    const all = this.compared()
    const ids = (query.runs ?? '').split(',').map((name) => this.run(name)?.id ?? '')
    const places = ids.map((id) => all?.runs.findIndex((/** @type {any} */ run) => run.id === id))
    return all && !places.includes(-1) ? besides(all, places, query.same === '1') : null
  }

  /** @param {Record<string, string>} query */
  code({ a, b, path }) {
    const found = this.document.answers[keyOf('/compare/code', { a: this.run(a)?.id ?? a, b: this.run(b)?.id ?? b })]
    return found && { ...found, files: found.files.filter((/** @type {any} */ file) => !path || file.path === path) }
  }

  /** Runs by columns, as `/table` has them. @param {Record<string, string>} query */
  table({ ids, cols = '' }) {
    const all = this.compared()
    const named = ids.split(',').map((name) => this.run(name)?.id ?? name)
    const places = named.map((id) => (all ? all.runs.findIndex((/** @type {any} */ run) => run.id === id) : this.document.runs.findIndex((run) => run.id === id)))
    const here = places.filter((place) => place >= 0)
    const block = (/** @type {string} */ name) => all?.blocks.find((/** @type {any} */ each) => each.name === name)?.rows ?? []
    const values = (/** @type {string} */ key) => {
      if (!/^[mpt]\./.test(key)) return here.map((place) => (all?.runs ?? this.document.runs)[place][key] ?? null)
      const kind = { m: 'result', p: 'params', t: 'tags' }[key[0]] ?? ''
      const row = block(kind).find((/** @type {any} */ each) => each.key === (kind === 'result' ? key : key.slice(2)))
      return here.map((place) => row?.values[place] ?? null)
    }
    const keys = [...new Set(['name', 'status', 'start', 'end', ...split(cols)])]
    return { rev: '', total: here.length, rows: here.length, top: here.length, offset: 0, ids: here.map((place) => (all?.runs ?? this.document.runs)[place].id), cols: Object.fromEntries(keys.map((key) => [key, values(key)])) }
  }
}

/** What a question is kept under; `key_of` of server/report/holding.py makes the same. @param {string} path @param {Record<string, string>} query */
export function keyOf(path, query) {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`)
  return path + (pairs.length ? `?${pairs.sort().join('&')}` : '')
}

/** @param {any} json */
const told = (json) => (json === undefined || json === null ? null : { json })
