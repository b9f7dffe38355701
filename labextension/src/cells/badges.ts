import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';

import { percent, plain, roughly } from '../panel/formats';
import { MOST_NAME } from '../panel/actions';
import { sign, word } from '../panel/states';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { make } from '../views/dom';
import { LastJobs } from './lastJobs';

const MAGIC = /^\s*%%(train|tune|preprocess)(\s|$)/;
/** How long after a key stroke cells are looked at again, in milliseconds. */
const PAUSE = 300;

type CellWidget = NotebookPanel['content']['widgets'][number];

/** The state of the last job below each cell that starts jobs, in one notebook. */
export class Badges implements IDisposable {
  private readonly _panels: IPanels;
  private readonly _notebook: NotebookPanel;
  private readonly _lastJobs: LastJobs;
  private readonly _nodes = new Map<CellWidget, HTMLButtonElement>();
  private _timer: number | undefined;
  private _isDisposed = false;

  constructor(panels: IPanels, notebook: NotebookPanel, localPath: (path: string) => string) {
    this._panels = panels;
    this._notebook = notebook;
    this._lastJobs = new LastJobs(panels, () => localPath(notebook.context.path));
    this._lastJobs.changed.connect(() => this._draw());
    notebook.content.modelContentChanged.connect(this._onContent, this);
    notebook.content.modelChanged.connect(this._onContent, this);
    notebook.disposed.connect(() => this.dispose());
    void notebook.revealed.then(() => this._look());
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.clearTimeout(this._timer);
      this._lastJobs.dispose();
      this._nodes.forEach(node => node.remove());
      this._nodes.clear();
    }
  }

  private _onContent(): void {
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this._look(), PAUSE);
  }

  /** Find the cells that start jobs. */
  private _look(): void {
    if (!this._isDisposed) {
      this._lastJobs.setCells(new Set(this._cells().map(cell => cell.model.id)));
      this._draw();
    }
  }

  private _cells(): CellWidget[] {
    return this._notebook.content.widgets.filter(
      cell => cell.model.type === 'code' && MAGIC.test(cell.model.sharedModel.getSource())
    );
  }

  private _draw(): void {
    const cells = new Set(this._cells());
    for (const [cell, node] of this._nodes) {
      if (!cells.has(cell) || this._lastJobs.of(cell.model.id) === undefined) {
        node.remove();
        this._nodes.delete(cell);
      }
    }
    for (const cell of cells) {
      const row = this._lastJobs.of(cell.model.id);
      if (row !== undefined) {
        drawBadge(this._nodeOf(cell), row);
      }
    }
  }

  private _nodeOf(cell: CellWidget): HTMLButtonElement {
    const known = this._nodes.get(cell);
    if (known?.isConnected) {
      return known;
    }
    const node = known ?? this._makeNode(cell);
    this._nodes.set(cell, node);
    const input = cell.node.querySelector(':scope > .jp-Cell-inputWrapper');
    // A cell that was never in sight has no content yet: it is given its badge when it has.
    input?.after(node);
    if (input === null) {
      void cell.ready.then(() => this._onContent());
    }
    return node;
  }

  private _makeNode(cell: CellWidget): HTMLButtonElement {
    const node = make('button', { type: 'button', class: 'mlm-cell-badge', 'data-mlm': 'cell-badge' });
    node.addEventListener('click', () => {
      const row = this._lastJobs.of(cell.model.id);
      if (row !== undefined) {
        this._panels.open({ noun: 'job', key: row.summary.id });
      }
    });
    // In command mode the notebook would take these keys.
    node.addEventListener('keydown', event => ['Enter', ' '].includes(event.key) && event.stopPropagation());
    return node;
  }
}

function drawBadge(node: HTMLButtonElement, row: JobRow): void {
  const { id, displayName, state } = row.summary;
  const told = [`${sign(state)} ${word(state)}`, ...progressOf(row)].join(' · ');
  if (node.dataset.told === `${id} ${told}`) {
    return;
  }
  node.dataset.told = `${id} ${told}`;
  node.dataset.jobId = id;
  node.dataset.state = state;
  node.title = `Open ${id}, the last job of this cell`;
  const [first, ...rest] = told.split(' · ');
  const label = make('span', { class: 'mlm-state', 'data-mlm': 'state', 'data-state': state }, first ?? '');
  node.replaceChildren(
    label,
    make('span', { class: 'mlm-faint' }, [plain(displayName, MOST_NAME), ...rest].join(' · '))
  );
}

function progressOf(row: JobRow): string[] {
  const told = [];
  if (row.summary.state === 'RUNNING' && row.fraction !== undefined) {
    told.push(percent(row.fraction));
  }
  if (row.summary.state === 'RUNNING' && row.etaSeconds !== undefined) {
    told.push(`about ${roughly(row.etaSeconds)} left`);
  }
  if (row.waitingFor) {
    told.push(`not running yet: ${plain(row.waitingFor)}`);
  }
  return told;
}
