// Where the steps of a workflow stand, and the lines between them.

/** @typedef {{run: string, name: string, status: string, level: number, after: Record<string, string[]>, reused: string | null}} Step `after`: what it took, by the step that made it */
/** @typedef {{step: Step, left: number, top: number}} Node */
/** @typedef {{from: string, to: string, things: string[], line: string}} Edge */

const WIDE = 190
const HIGH = 46
const ACROSS = 70
const BETWEEN = 14

/**
 * A column a level; within one, each step about where those stand that it took from, so that few lines cross.
 * @param {Step[]} steps @returns {{nodes: Node[], edges: Edge[], width: number, height: number}}
 */
export function laidOut(steps) {
  /** @type {Map<string, Node>} */
  const nodes = new Map()
  const columns = Math.max(0, ...steps.map((step) => step.level + 1))
  let height = 0
  for (let level = 0; level < columns; level += 1) {
    const middle = (/** @type {Step} */ step) => {
      const tops = Object.keys(step.after).map((other) => nodes.get(other)?.top ?? 0)
      return tops.length ? tops.reduce((sum, top) => sum + top, 0) / tops.length : Infinity
    }
    const column = steps.filter((step) => step.level === level).map((step) => ({ step, at: middle(step) }))
    column.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at))
    column.forEach(({ step }, index) => nodes.set(step.run, { step, left: level * (WIDE + ACROSS), top: index * (HIGH + BETWEEN) }))
    height = Math.max(height, column.length * (HIGH + BETWEEN) - BETWEEN)
  }
  const edges = steps.flatMap((step) => Object.entries(step.after).filter(([other]) => nodes.has(other)).map(([other, things]) => {
    const [a, b] = /** @type {[Node, Node]} */ ([nodes.get(other), nodes.get(step.run)])
    const [x, y, u, v] = [a.left + WIDE, a.top + HIGH / 2, b.left, b.top + HIGH / 2]
    const bend = (/** @type {number[]} */ ...[fromX, fromY, toX, toY]) => `C${(fromX + toX) / 2} ${fromY} ${(fromX + toX) / 2} ${toY} ${toX} ${toY}`
    const aside = y + (HIGH + BETWEEN) / 2 // past columns in between, below the steps there
    const line = step.level - a.step.level > 1 ? `M${x} ${y}${bend(x, y, x + ACROSS, aside)}H${u - ACROSS}${bend(u - ACROSS, aside, u, v)}` : `M${x} ${y}${bend(x, y, u, v)}`
    return { from: other, to: step.run, things, line }
  }))
  return { nodes: [...nodes.values()], edges, width: columns * (WIDE + ACROSS) - ACROSS, height: height + BETWEEN }
}
