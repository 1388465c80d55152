// A model: what it takes and answers, what it needs, and how to use it.
import { address } from '../../api.js'
import { Copied } from '../../copy.js'
import { useData } from '../../data.js'
import { number, size } from '../../format.js'
import { html } from '../../html.js'
import { path } from '../../router.js'
import { asking, quoted } from '../../shell.js'
import { Part } from '../../states.js'
import { tabled } from './separated.js'
import { fields } from './signature.js'
import { Sheet } from './text_viewers.js'

/** @param {{run: any, model: any, uri?: string}} given `uri`: what the model is loaded by */
export function ModelCard({ run, model, uri = `runs:/${run.id}/${model.path}` }) {
  const at = (/** @type {string} */ name) => address(path('runs', run.id, 'artifacts', `${model.path}/${name}`))
  const found = useData(`model:${run.id}/${model.path}`, async (signal) => {
    const read = async (/** @type {string} */ name) => {
      const answer = await fetch(at(name), { signal })
      return answer.ok ? answer.text() : null
    }
    const [described, needs, example] = await Promise.all([read('MLmodel'), read('requirements.txt'), read('serving_input_example.json')])
    return { described: described ?? '', needs, example }
  })
  return html`<section class="model-card"><header class="file"><b>${model.path}</b><span class="chip good">${model.flavor}</span><span class="muted">${model.class_name}</span><span class="muted">${size(model.size)}</span></header>
    <${Part} of=${found} what="the model's description">${(/** @type {any} */ data) => {
      const { inputs, outputs } = fields(data.described)
      return html`<div class="halves-card">
        <div><h2>Signature</h2>${inputs.length ? html`<${Fields} label="takes" of=${inputs} /><${Fields} label="answers" of=${outputs} />` : html`<p class="muted">No signature was kept: log the model with an example of its input.</p>`}
          ${data.example && html`<h2>Input example</h2><${Example} text=${data.example} />`}</div>
        <div><h2>Use it</h2>
          <p>Python</p><${Copied} text=${`model = autotrack.load_model("${uri}")\nmodel.predict(data)`} />
          <p>Behind REST</p><${Copied} text=${`autotrack serve -m ${quoted(uri)} --port 5001`} />
          ${data.example && html`<p>and asked about the first row of the example</p><${Copied} text=${asking(data.example)} />`}
          <p>Command line</p><${Copied} text=${`autotrack models show ${quoted(uri)}`} />
          <p>MLflow</p><${Copied} text=${`mlflow.pyfunc.load_model("${uri}")`} />
          <p>Spark</p><${Copied} text=${`mlflow.pyfunc.spark_udf(spark, "${uri}")`} />
          ${data.needs && html`<h2>Needs</h2><pre tabindex="0">${data.needs}</pre>`}
          ${model.digest && html`<p class="muted mono" title="stands for all its files">digest ${model.digest.slice(0, 16)}</p>`}</div>
      </div>`
    }}<//>
  </section>`
}

/** @param {{label: string, of: {name: string, type: string, shape?: string, required: boolean}[]}} given */
function Fields({ label, of }) {
  const shaped = of.some((each) => each.shape)
  return html`<table class="list signature" data-of=${label}><thead><tr><th>${label}</th><th>type</th>${shaped && html`<th>shape</th>`}<th><span class="unseen">whether it may be left out</span></th></tr></thead><tbody>${of.map((each) => html`<tr key=${each.name}><td>${each.name}</td><td class="mono">${each.type}</td>${shaped && html`<td class="mono muted">${each.shape ?? ''}</td>`}<td class="muted">${each.required ? '' : 'optional'}</td></tr>`)}</tbody></table>`
}

/** @param {{text: string}} given */
function Example({ text }) {
  try {
    const rows = tabled(JSON.parse(text))
    if (rows) return html`<${Sheet} rows=${rows.map((row, index) => (index ? row.map(short) : row))} />`
  } catch {
    // No JSON: shown as it is.
  }
  return html`<pre tabindex="0">${text.slice(0, 1500)}</pre>`
}

/** @param {string} text */
const short = (text) => (text !== '' && Number.isFinite(Number(text)) ? number(text) : text)
