// Runs of projects, by project and entry point.

/** @typedef {{id: string, name: string, status: string, start: number, duration: number | null, experiment: string, parent: string | null, commit: string | null}} Run */
/** @typedef {{name: string, runs: Run[], entries: {name: string, runs: Run[]}[]}} Project */

/** @param {{ids: string[], cols: Record<string, any[]>}} table newest first @returns {Project[]} */
export function projectsOf({ ids, cols }) {
  /** @type {Map<string, Map<string, Run[]>>} */
  const found = new Map()
  ids.forEach((id, index) => {
    const of = (/** @type {string} */ key) => cols[key]?.[index] ?? null
    const project = of('t.autotrack.project') || of('t.mlflow.source.name') || 'without a name'
    const entry = of('t.mlflow.project.entryPoint') || 'main'
    const entries = found.get(project) ?? new Map()
    found.set(project, entries)
    entries.set(entry, [...(entries.get(entry) ?? []), { id, name: of('name'), status: of('status'), start: of('start'), duration: of('duration'), experiment: of('experiment'), parent: of('parent'), commit: of('commit') }])
  })
  return [...found].map(([name, entries]) => ({ name, runs: [...entries.values()].flat().sort((a, b) => b.start - a.start), entries: [...entries].map(([entry, runs]) => ({ name: entry, runs })) }))
}

/** How an entry point is run from the command line. @param {string} project @param {string} entry */
export function commandOf(project, entry) {
  const quoted = (/** @type {string} */ text) => (/^[\w@%+=:,./#-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
  return `mlflow run ${quoted(project)}${entry === 'main' ? '' : ` -e ${quoted(entry)}`}`
}
