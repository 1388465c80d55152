// Which of a run's files have a tab of their own.

/** The notebooks of a run, pages before files. @param {any} run @returns {string[]} */
export const notebooks = (run) =>
  (run.artifacts ?? [])
    .map((/** @type {any} */ file) => file.path)
    .filter((/** @type {string} */ name) => /(^|\/)notebook\.(html|ipynb)$|\.ipynb$/.test(name))
    .sort((/** @type {string} */ a, /** @type {string} */ b) => Number(b.endsWith('.html')) - Number(a.endsWith('.html')))

/** The event files of a run. @param {any} run @returns {any[]} */
export const events = (run) => (run.artifacts ?? []).filter((/** @type {any} */ file) => /(^|\/)[^/]*tfevents[^/]*$/.test(file.path))
