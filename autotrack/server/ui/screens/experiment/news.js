// What happens while a table is looked at: values of running runs change in place, new runs wait behind a button.
import { useEffect, useState } from 'preact/hooks'
import { get } from '../../api.js'
import { joined } from '../../columns.js'
import { onChange } from '../../live.js'

/** @typedef {import('../../rows.js').Rows} Rows */

const MOST = 200

/** @param {Rows} rows */
export function useNews(rows) {
  const [count, setCount] = useState(0)
  useEffect(() => {
    setCount(0)
    /** @type {Set<string>} what has changed since it was last asked for */
    const waiting = new Set()
    let others = false
    let busy = false
    const ask = async () => {
      if (busy || !rows.ready) return
      busy = true
      try {
        while (waiting.size || others) {
          const ids = [...waiting].slice(0, MOST)
          for (const id of ids) waiting.delete(id)
          if (ids.length) rows.patch(await get('/table', { exp: rows.query.exp, cols: shownOf(rows), ids: ids.join(',') }))
          if (!others) continue
          others = false
          const { total } = await get('/table', { ...rows.query, open: undefined, sort: undefined, cols: 'name', limit: 1 })
          if (!rows.total && total) await rows.reload()
          else setCount(Math.max(0, total - rows.total))
        }
      } catch {
        // What is on the screen stays; the next change, or the stream's coming back, asks again.
      }
      busy = false
    }
    return onChange(({ runs, reset }) => {
      if (reset) return void (rows.ready && rows.reload())
      const here = new Set(rows.ids())
      for (const { id } of runs) {
        if (here.has(id)) waiting.add(id)
        else others = true
      }
      void ask()
    })
  }, [rows])
  const show = async () => {
    await rows.reload()
    setCount(0)
  }
  return { count, show }
}

/** @param {Rows} rows */
function shownOf(rows) {
  const window = [...rows.windows.values()].find(Boolean)
  return window ? joined(Object.keys(window.cols)) : undefined
}
