// What happens while a table is looked at: values of running runs change in place, new runs wait behind a button.
import { useEffect, useState } from 'preact/hooks'
import { get } from '../../api.js'
import { joined } from '../../columns.js'
import { onChange } from '../../live.js'

/** @param {import('../../rows.js').Rows} rows */
export function useNews(rows) {
  const [count, setCount] = useState(0)
  useEffect(() => {
    setCount(0)
    return onChange(async ({ runs, reset }) => {
      if (!rows.ready) return
      if (reset) return void (await rows.reload(0, rows.length))
      const here = new Set(rows.ids())
      const changed = runs.map(({ id }) => id).filter((id) => here.has(id))
      try {
        if (changed.length) rows.patch(await get('/table', { ...rows.query, sort: undefined, where: undefined, open: undefined, tree: undefined, cols: shownOf(rows), ids: changed.slice(0, 200).join(',') }))
        if (changed.length < runs.length || !rows.length) {
          const { total } = await get('/table', { ...rows.query, open: undefined, cols: 'name', limit: 1 })
          if (!rows.total && total) return void (await rows.reload(0, 1))
          setCount(Math.max(0, total - rows.total))
        }
      } catch {
        // What is on the screen stays; the next change, or the stream's coming back, asks again.
      }
    })
  }, [rows])
  const show = async () => {
    await rows.reload(0, 1)
    setCount(0)
  }
  return { count, show }
}

/** @param {import('../../rows.js').Rows} rows */
function shownOf(rows) {
  const window = [...rows.windows.values()].find(Boolean)
  return window ? joined(Object.keys(window.cols)) : undefined
}
