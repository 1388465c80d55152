// Runs as points of a plane: which keys are across and up, what colour and size say; kept in the address.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { heading } from '../../columns.js'
import { counted, number } from '../../format.js'
import { themed } from '../../frame.js'
import { html } from '../../html.js'
import { change, navigate, path, place } from '../../router.js'
import { count as selected, handed, positions, select } from '../../selection.js'
import { Empty } from '../../states.js'
import { axisOf } from './axes.js'
import { Legend, ordered } from './parallel.js'
import { drawPlane, HEIGHT, nearestPoint, pointsIn, spotOf } from './plane_drawing.js'

/** @param {{data: any, experiment: string, contour?: boolean}} given */
export function Plane({ data, experiment, contour = false }) {
  const { ids, cols, chosen } = data
  const { query } = place.value
  const keys = useMemo(() => Object.keys(cols).filter((key) => /^[mp]\./.test(key) || key === 'duration'), [data])
  const params = useMemo(() => ordered(data), [data])
  const numeric = (/** @type {string} */ key) => axisOf(key, cols[key]).kind === 'number'
  const fit = contour ? params.filter((/** @type {string} */ key) => numeric(key) && new Set(cols[key]).size > 3) : params
  const at = (/** @type {string} */ name, /** @type {string} */ usual) => { const key = query.get(name) ?? usual; return cols[key] ? key : usual }
  const main = chosen.main && cols[chosen.main] ? chosen.main : (keys.find((key) => key.startsWith('m.')) ?? '')
  const across = at('px', fit[0] ?? keys[0] ?? '')
  const up = at('py', contour ? (fit[1] ?? '') : main || (keys[1] ?? ''))
  const tint = at('colour', contour ? main : (fit[1] ?? ''))
  const sized = contour ? '' : at('size', '')
  const how = (/** @type {string} */ name) => ({ log: query.get(name) === null ? undefined : query.get(name) === 'log' })
  const x = useMemo(() => (across ? axisOf(across, cols[across], how('sx')) : null), [data, across, query.get('sx')])
  const y = useMemo(() => (up ? axisOf(up, cols[up], how('sy')) : null), [data, up, query.get('sy')])
  const z = useMemo(() => (tint ? axisOf(tint, cols[tint]) : null), [data, tint])
  const s = useMemo(() => (sized ? axisOf(sized, cols[sized]) : null), [data, sized])
  const enough = !contour || (x && y && z && distinct(x) >= 3 && distinct(y) >= 3)
  const set = (/** @type {Record<string, string | null>} */ patch) => change(patch, { replace: true })
  const pick = (/** @type {string} */ label, /** @type {string} */ name, /** @type {string} */ value, none = false) => html`<label class="muted">${label} <select value=${value} aria-label=${label} onChange=${(/** @type {any} */ event) => set({ [name]: event.target.value || null })}>${none && html`<option value="">none</option>`}${keys.map((key) => html`<option key=${key} value=${key}>${heading(key)}</option>`)}</select></label>`
  const scaled = (/** @type {string} */ name, /** @type {import('./axes.js').Axis | null} */ axis) => axis?.kind === 'number' && axis.low > 0 && html`<button aria-pressed=${axis.log} title="Logarithmic" onClick=${() => set({ [name]: axis.log ? 'lin' : 'log' })}>log</button>`
  const goal = tint === chosen.main ? chosen.goal : null
  return html`<section class="plane-view">
    <div class="axes-of">${pick('across', 'px', across)}${scaled('sx', x)} ${pick('up', 'py', up)}${scaled('sy', y)} ${pick(contour ? 'height' : 'colour', 'colour', tint, !contour)} ${!contour && pick('size', 'size', sized, true)}
      ${!contour && html`<button aria-pressed=${query.get('trend') === '1'} onClick=${() => set({ trend: query.get('trend') === '1' ? null : '1' })}>trend</button>`}
      ${z?.kind === 'number' && html`<${Legend} axis=${z} goal=${goal} />`}
      ${selected.value > 0 && html`<b data-selected=${selected.value}>${counted(selected.value, 'run')} selected</b> <a href=${path('e', experiment)}>Open the table</a> <button class="quiet" onClick=${() => select([])}>Clear</button>`}</div>
    ${enough && x && y ? html`<${Points} ids=${ids} experiment=${experiment} names=${cols.name} x=${x} y=${y} z=${z} s=${s} goal=${goal} contour=${contour} trend=${query.get('trend') === '1'} />` : html`<${Empty}>${contour ? 'A contour needs at least three different numbers across and up: these runs have fewer. Choose other keys, or look at the scatter.' : 'There is nothing to draw.'}<//>`}
  </section>`
}

/** @param {import('./axes.js').Axis} axis */
const distinct = (axis) => new Set(Array.from(axis.values).filter((value) => !Number.isNaN(value))).size

/** @param {any} given */
function Points({ ids, experiment, names, x, y, z, s, goal, contour, trend }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null))
  const [width, setWidth] = useState(0)
  const [drag, setDrag] = useState(/** @type {any} */ (null))
  const [tip, setTip] = useState(-1)
  useEffect(() => {
    const observer = new ResizeObserver(() => setWidth(box.current?.clientWidth ?? 0))
    if (box.current) observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  const theme = themed.value
  const picked = positions.value
  const drawn = useRef(0)
  useEffect(() => {
    if (width) drawn.current = drawPlane(canvas.current, { width, ids, x, y, z, s, goal, contour, trend, picked })
  }, [ids, x, y, z, s, width, theme, picked, contour, trend])
  const spot = (/** @type {PointerEvent} */ event) => {
    const area = /** @type {HTMLElement} */ (box.current).getBoundingClientRect()
    return { left: event.clientX - area.left, top: event.clientY - area.top }
  }
  const down = (/** @type {PointerEvent} */ event) => {
    if (event.button) return
    box.current?.setPointerCapture(event.pointerId)
    setDrag({ from: spot(event), to: spot(event) })
  }
  const move = (/** @type {PointerEvent} */ event) => {
    if (drag) setDrag({ ...drag, to: spot(event) })
    else setTip(nearestPoint(spot(event), { width, x, y }))
  }
  const finish = () => {
    if (!drag) return
    const { from, to } = drag
    setDrag(null)
    if (Math.hypot(from.left - to.left, from.top - to.top) < 4) {
      const near = nearestPoint(from, { width, x, y })
      if (near >= 0) navigate(path('r', ids[near].slice(0, 12)))
    } else {
      select(pointsIn(from, to, { width, x, y }).map((index) => ids[index]))
      handed.value = experiment
    }
  }
  const at = tip >= 0 ? spotOf(tip, { width, x, y }) : null
  const known = useMemo(() => ids.reduce((/** @type {number} */ sum, /** @type {string} */ _, /** @type {number} */ index) => sum + (Number.isNaN(x.at[index]) || Number.isNaN(y.at[index]) ? 0 : 1), 0), [ids, x, y])
  const value = (/** @type {any} */ axis) => (axis.kind === 'category' ? axis.categories[axis.values[tip]] : number(axis.values[tip]))
  return html`<p class="muted">${contour ? `Rests on ${counted(known, 'run')}; where there are none near by, nothing is said.` : `${counted(known, 'run')}${known < ids.length ? `, ${number(ids.length - known)} without one of the two` : ''}. Drag a box to select, click a point to open its run.`}</p>
    <div class="plane" ref=${box} style=${{ height: `${HEIGHT}px` }} role="img" aria-label=${`${heading(y.key)} against ${heading(x.key)} of ${known} runs`} onPointerDown=${down} onPointerMove=${move} onPointerUp=${finish} onPointerLeave=${() => setTip(-1)}>
      <canvas ref=${canvas}></canvas>
      ${drag && html`<div class="box" style=${{ left: `${Math.min(drag.from.left, drag.to.left)}px`, top: `${Math.min(drag.from.top, drag.to.top)}px`, width: `${Math.abs(drag.from.left - drag.to.left)}px`, height: `${Math.abs(drag.from.top - drag.to.top)}px` }}></div>`}
      ${at && !drag && html`<div class="tip" style=${{ left: `${Math.min(at.left + 12, width - 240)}px`, top: `${at.top + 12}px` }}><b>${names[tip] || ids[tip].slice(0, 8)}</b>${[x, y, z, s].filter(Boolean).map((axis) => html`<div key=${axis.key}><span>${heading(axis.key)}</span><em>${value(axis)}</em></div>`)}</div>`}
    </div>`
}
