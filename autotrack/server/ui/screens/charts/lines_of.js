// The lines of a card: fetched when it comes near, with what comes in while runs go on.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { curves, tails } from '../../curves.js'
import { grouped, merged } from '../../lines.js'
import { onChange } from '../../live.js'

/** @typedef {import('../../curves.js').Curve} Curve */
/** @typedef {import('../../chart.js').Line} Line */

/** Points a pixel above which tails have made a line finer than a screen can show. */
const DENSE = 12

/**
 * @param {{metric: string, runs: import('./card.js').Drawn[], manner: import('./toolbar.js').Manner, near: boolean, width: () => number, next: () => string[]}} given
 * @returns {{lines: Line[] | null, x: string, error: any, retry: () => void}} `x`: what is across in these lines
 */
export function useLines({ metric, runs, manner, near, width, next }) {
  const [held, setHeld] = useState(/** @type {{found: Curve[], x: string} | null} */ (null))
  const [error, setError] = useState(/** @type {any} */ (null))
  const [turn, setTurn] = useState(0)
  const fresh = useRef(/** @type {{found: Curve[], how: any} | null} */ (null))
  const { x, smooth, from, to } = manner
  const ids = runs.map((run) => run.id)
  const names = ids.join()
  useEffect(() => {
    if (!near) return
    let here = true
    const how = { x, px: Math.max(200, Math.round(width() / 50) * 50), smooth: smooth || undefined, from, to }
    fresh.current = null
    curves(ids, metric, how, turn ? [] : next()).then(
      (found) => {
        if (!here) return
        fresh.current = { found, how }
        setHeld({ found, x })
        setError(null)
      },
      (failure) => here && setError(failure),
    )
    return () => void (here = false)
  }, [near, names, metric, x, smooth, from, to, turn])
  useEffect(() => {
    if (!near) return
    return follow(ids, metric, fresh, (found) => (found ? setHeld({ found, x }) : setTurn((now) => now + 1)))
  }, [near, names, metric, x, smooth, from, to])
  const lines = useMemo(() => held && dressed(held.found, runs), [held, runs])
  return { lines, x: held?.x ?? x, error, retry: () => setTurn((now) => now + 1) }
}

/**
 * Listens, and brings what runs have got since. @param {string[]} ids @param {string} metric @param {{current: {found: Curve[], how: any} | null}} fresh
 * @param {(found: Curve[] | null) => void} show null: all has to be asked for again
 */
function follow(ids, metric, fresh, show) {
  let ended = false
  let busy = false
  /** @type {Set<string>} */
  const behind = new Set()
  const catchUp = async () => {
    if (busy) return
    busy = true
    while (behind.size && !ended) {
      const own = ids.filter((id) => behind.has(id))
      behind.clear()
      const { current } = fresh
      if (!current) break
      try {
        const known = own.map((id) => current.found.find((line) => line.run === id)?.total ?? 0)
        const came = new Map((await tails(own, metric, current.how, known)).map((line) => [line.run, line]))
        if (ended || fresh.current !== current || ![...came.values()].some((line) => line.x.length)) continue
        const found = current.found.map((line) => (came.has(line.run) ? merged(line, /** @type {Curve} */ (came.get(line.run))) : line))
        if (found.some((line) => !line || (line.x.length > current.how.px * DENSE))) {
          show(null)
          break
        }
        current.found = /** @type {Curve[]} */ (found)
        show(current.found)
      } catch {
        // The server is away: what is drawn stays, and the stream says `reset` when it is back.
      }
    }
    busy = false
  }
  const end = onChange(({ runs, reset }) => {
    for (const id of reset ? ids : []) behind.add(id)
    for (const { id, keys } of /** @type {{id: string, keys?: Record<string, number> | null}[]} */ (runs)) if (ids.includes(id) && (!keys || metric in keys)) behind.add(id)
    if (behind.size) void catchUp()
  })
  return () => {
    ended = true
    end()
  }
}

/** Lines as they are drawn: each run's, or those of groups. @param {Curve[]} found @param {import('./card.js').Drawn[]} runs @returns {Line[]} */
function dressed(found, runs) {
  const by = new Map(runs.map((run) => [run.id, run]))
  const here = found.filter((line) => by.has(line.run) && line.x.length)
  if (!runs.some((run) => run.group !== undefined)) return here.map((line) => ({ ...line, look: /** @type {any} */ (by.get(line.run)).look }))
  const looks = new Map(runs.map((run) => [run.group ?? '', run.look]))
  return grouped(here, (run) => by.get(run)?.group ?? '').map((line) => ({ ...line, look: /** @type {any} */ (looks.get(line.run)) }))
}
