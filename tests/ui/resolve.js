// The bare names that the pages import (`preact`, ...) are the vendored files, in Node as in the browser.
import { readFileSync } from 'node:fs'

const vendor = new URL('../../autotrack/server/ui/vendor/', import.meta.url)
const listed = JSON.parse(readFileSync(new URL('VENDOR.json', vendor), 'utf8'))
const paths = new Map(Object.entries(listed).map(([file, part]) => [part.import, new URL(file, vendor).href]))

export function resolve(name, context, next) {
  const url = paths.get(name)
  return url ? { url, format: 'module', shortCircuit: true } : next(name, context)
}

export function load(url, context, next) {
  return next(url, url.includes('/server/ui/') ? { ...context, format: 'module' } : context)
}
