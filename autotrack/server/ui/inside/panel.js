// Inside a plugin's panel: what it may have of its run, as `autotrack`. Runs in an origin of nobody's.
{
  /** @typedef {{done: (value: any) => void, failed: (error: Error) => void}} Waiting */

  /** @type {Map<number, Waiting>} */
  const waiting = new Map()
  let last = 0

  /** The way to the page around this one, which it hands in once. @type {Promise<MessagePort>} */
  const opened = new Promise((done) => {
    addEventListener('message', function hear(event) {
      if (event.source !== parent || event.data?.autotrack !== 'panel') return
      removeEventListener('message', hear)
      document.documentElement.dataset.theme = event.data.theme
      const [port] = event.ports
      port.onmessage = ({ data }) => {
        const asked = waiting.get(data.id)
        waiting.delete(data.id)
        if (data.error === undefined) asked?.done(data.answer)
        else asked?.failed(new Error(data.error))
      }
      done(port)
    })
  })

  /** @param {string} what @param {string} [which] @returns {Promise<any>} */
  const ask = async (what, which = '') => {
    const port = await opened
    return new Promise((done, failed) => {
      waiting.set((last += 1), { done, failed })
      port.postMessage({ id: last, what, which })
    })
  }

  Object.assign(globalThis, {
    autotrack: Object.freeze({
      /** The run: name, status, params, metrics, tags, datasets, ... */
      run: () => ask('run'),
      /** Last value, extremes and count of each metric. */
      metrics: () => ask('metrics'),
      /** The points of a metric: steps, timestamps, values. */
      history: (/** @type {string} */ key) => ask('history', key),
      /** What is in a folder of the run's files. */
      files: (folder = '') => ask('files', folder),
      /** The bytes of a file (an ArrayBuffer). */
      file: (/** @type {string} */ path) => ask('file', path),
    }),
  })
}
