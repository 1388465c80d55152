// Templates: `html` makes what Preact draws. Text in them is text; nothing here can make markup of it.
import { h } from 'preact'
import htm from 'htm'

export const html = htm.bind(h)
