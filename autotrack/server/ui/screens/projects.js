// Projects: code that others wrote and that was run from its folder or repository, and the runs that it made.
import { useEffect } from 'preact/hooks'
import { Copied } from '../copy.js'
import { refresh, useJson } from '../data.js'
import { CsvButton } from '../export.js'
import { age, counted, duration, moment, NOTHING } from '../format.js'
import { useTrail } from '../frame.js'
import { html } from '../html.js'
import { onChange } from '../live.js'
import { path, place } from '../router.js'
import { Empty, Lost, Part } from '../states.js'
import { Status } from '../status.js'
import { commandOf, projectsOf } from './projects/grouped.js'

const WHERE = 't.`autotrack.project` is not null or t.`mlflow.project.entryPoint` is not null'
const COLS = 'name,experiment,duration,parent,commit,t.autotrack.project,t.mlflow.project.entryPoint,t.mlflow.source.name,t.mlflow.project.backend'
const LAST = 10

export function Screen() {
  const name = place.value.path.name ?? ''
  useTrail(name ? [{ text: 'Projects', href: '/projects' }, { text: name }] : [{ text: 'Projects' }])
  useEffect(() => onChange(() => refresh((key) => key.startsWith('/table?'))), [])
  const found = useJson('/table', { where: WHERE, cols: COLS, limit: 2000 })
  return html`<main class="page projects"><h1>${name || 'Projects'}</h1>
    <${Part} of=${found} what="the runs of projects">${(/** @type {any} */ data) => {
      const projects = projectsOf(data)
      if (name) {
        const project = projects.find((each) => each.name === name)
        return project ? html`<${Project} of=${project} />` : html`<${Lost} />`
      }
      return projects.length ? html`<${List} projects=${projects} />` : html`<${Empty} line="autotrack run https://github.com/mlflow/mlflow-example -P alpha=0.4">No run was a project yet. A project is a folder or repository with a file MLproject; run one with:<//>`
    }}<//></main>`
}

/** @param {{projects: import('./projects/grouped.js').Project[]}} given */
function List({ projects }) {
  const rows = () => [['project', 'entry points', 'runs', 'last run'], ...projects.map((each) => [each.name, each.entries.map((entry) => entry.name).join(' '), each.runs.length, new Date(each.runs[0].start).toISOString()])]
  return html`<table class="list"><thead><tr><th>project</th><th>entry points</th><th class="number">runs</th><th>last run</th></tr></thead><tbody>${projects.map((each) => html`<tr key=${each.name} data-project=${each.name}>
    <td class="named"><a href=${path('projects', each.name)}>${each.name}</a></td><td>${each.entries.map((entry) => html`<span key=${entry.name} class="chip">${entry.name}</span> `)}</td>
    <td class="number">${counted(each.runs.length, 'run')}</td><td title=${moment(each.runs[0].start)}>${age(each.runs[0].start)}</td></tr>`)}</tbody></table><p class="muted">${counted(projects.length, 'project')} <${CsvButton} name="projects" rows=${rows} /></p>`
}

/** @param {{of: import('./projects/grouped.js').Project}} given */
function Project({ of }) {
  return html`${of.entries.map((entry) => html`<section key=${entry.name}><h2>${entry.name} <span class="muted">${counted(entry.runs.length, 'run')}</span></h2>
    <${Copied} text=${commandOf(of.name, entry.name)} />
    <table class="list"><thead><tr><th></th><th>run</th><th>experiment</th><th>commit</th><th>took</th><th>age</th></tr></thead><tbody>${entry.runs.slice(0, LAST).map((run) => html`<tr key=${run.id}><td><${Status} of=${run.status} /></td>
      <td style=${{ paddingLeft: run.parent ? '28px' : undefined }}><a href=${path('r', run.id.slice(0, 12))}>${run.name || run.id.slice(0, 8)}</a></td><td><a href=${path('e', run.experiment)}>${run.experiment}</a></td><td class="mono">${run.commit?.slice(0, 8) ?? NOTHING}</td><td>${duration(run.duration === null ? null : run.duration * 1000)}</td><td title=${moment(run.start)}>${age(run.start)}</td></tr>`)}</tbody></table></section>`)}`
}
