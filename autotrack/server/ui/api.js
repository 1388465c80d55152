// Requests to the server: `/api/v1`, and nothing else.

const BASE = '/api/v1'

/** What went wrong with a request; `status` is 0 where no answer came. */
export class Failure extends Error {
  /** @param {string} message @param {number} status @param {any} [body] */
  constructor(message, status, body = {}) {
    super(message)
    this.status = status
    this.code = body.error_code ?? ''
    this.details = body.details ?? {}
  }
}

/** @typedef {Record<string, string | number | boolean | null | undefined>} Query */

/** @param {string} path @param {Query} [query] */
export function address(path, query = {}) {
  const given = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') given.set(key, String(value))
  }
  const text = given.toString()
  return `${BASE}${path}${text ? '?' + text : ''}`
}

/**
 * What the server answers, decoded from JSON (Failure).
 * @param {string} path below `/api/v1` @param {Query} [query] @param {AbortSignal} [signal] @returns {Promise<any>}
 */
export async function get(path, query, signal) {
  const answer = await ask(address(path, query), { signal, headers: { Accept: 'application/json' } })
  return answer.json()
}

/**
 * The bytes that the server answers with (Failure).
 * @param {string} path @param {Query} [query] @param {AbortSignal} [signal] @returns {Promise<ArrayBuffer>}
 */
export async function bytes(path, query, signal) {
  return (await ask(address(path, query), { signal })).arrayBuffer()
}

/**
 * Sends JSON (Failure).
 * @param {string} method @param {string} path @param {any} [body] @returns {Promise<any>}
 */
export async function send(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
  const answer = await ask(address(path), { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  return answer.status === 204 ? {} : answer.json()
}

/** @param {string} url @param {RequestInit} options */
async function ask(url, options) {
  let answer
  try {
    answer = await fetch(url, { credentials: 'same-origin', ...options })
  } catch (error) {
    if (/** @type {Error} */ (error).name === 'AbortError') throw error
    throw new Failure('the server does not answer', 0)
  }
  if (answer.ok) return answer
  let body = {}
  try {
    body = await answer.json()
  } catch {
    // An answer that is no JSON comes from something between us and the server; its status says enough.
  }
  if (answer.status === 401 && location.pathname !== '/login') {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`)
  }
  throw new Failure(/** @type {any} */ (body).message ?? `the server answered ${answer.status}`, answer.status, body)
}
