import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { isSameNotebook } from './notebookPaths';

/** How many jobs are asked for at once; a cell whose jobs are all older is asked for alone. */
const PAGE = 100;
/** More cell ids make an address too long for some servers. */
const MOST_IDS = 50;

/**
 * The last job of each of some cells, as it is now.
 *
 * A job belongs to a cell by the cell's id. Copies of a notebook have the same ids, so a job from the notebook itself
 * comes before one from elsewhere; but a notebook that was renamed while its kernel ran is elsewhere, too.
 */
export class LastJobs implements IDisposable {
  private readonly _panels: IPanels;
  private readonly _path: () => string;
  private readonly _changed = new Signal<this, void>(this);
  private _cells: ReadonlySet<string> = new Set();
  private readonly _jobs = new Map<string, JobRow>();
  private readonly _asked = new Set<string>();
  private _isDisposed = false;

  /** `path` tells where the notebook lies now, below the server's root. */
  constructor(panels: IPanels, path: () => string) {
    this._panels = panels;
    this._path = path;
    panels.jobs.changed.connect(this._onChanged, this);
    panels.jobs.removed.connect(this._onRemoved, this);
    panels.stream.refreshed.connect(this._onRefreshed, this);
  }

  /** The last job of one of the cells is another one, or has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  of(cellId: string): JobRow | undefined {
    return this._jobs.get(cellId);
  }

  /** Say which cells matter from now on. */
  setCells(ids: ReadonlySet<string>): void {
    this._cells = ids;
    void this._read([...ids].filter(id => !this._asked.has(id)));
  }

  private _onChanged(_: unknown, row: JobRow): void {
    if (this._take(row)) {
      this._changed.emit();
    }
  }

  private _onRemoved(_: unknown, id: string): void {
    for (const [cell, row] of this._jobs) {
      if (row.summary.id === id) {
        this._jobs.delete(cell);
        this._changed.emit();
        void this._read([cell]);
      }
    }
  }

  private _onRefreshed(): void {
    void this._read([...this._cells]);
  }

  private async _read(cells: readonly string[]): Promise<void> {
    for (let start = 0; start < cells.length; start += MOST_IDS) {
      await this._readSome(cells.slice(start, start + MOST_IDS));
    }
  }

  private async _readSome(cells: readonly string[]): Promise<void> {
    cells.forEach(cell => this._asked.add(cell));
    try {
      const filter = `origin.cellId=(${cells.map(quoted).join(' ')})`;
      const { jobs } = this._panels;
      const { moment } = jobs;
      const found = await this._panels.client.jobs({ filter, limit: cells.length === 1 ? 10 : PAGE });
      if (this._isDisposed) {
        return;
      }
      const isWhole = found.total === found.jobs.length;
      if (isWhole) {
        this._forget(cells, new Set(found.jobs.map(row => row.summary.id)), moment);
      }
      // The store tells of each, but for those of which it heard meanwhile.
      found.jobs.forEach(row => jobs.put(row, moment));
      if (!isWhole && cells.length > 1) {
        await this._readEach(cells.filter(cell => !this._jobs.has(cell)));
      }
    } catch {
      // Without the server there is nothing to tell; the stream says when it is back.
      cells.forEach(cell => this._asked.delete(cell));
    }
  }

  /** Jobs that were deleted while nobody listened. */
  private _forget(cells: readonly string[], found: ReadonlySet<string>, moment: number): void {
    const gone = cells.filter(cell => {
      const id = this._jobs.get(cell)?.summary.id;
      return id !== undefined && !found.has(id) && !this._panels.jobs.isOutdated(id, moment);
    });
    gone.forEach(cell => this._jobs.delete(cell));
    if (gone.length > 0) {
      this._changed.emit();
    }
  }

  private async _readEach(cells: readonly string[]): Promise<void> {
    for (const cell of cells) {
      await this._readSome([cell]);
    }
  }

  /** Keep a row if it is the last job of one of the cells; trials are told of by their study. */
  private _take(row: JobRow): boolean {
    const cell = row.origin.cellId;
    if (!cell || !this._cells.has(cell) || row.summary.parent) {
      return false;
    }
    const known = this._jobs.get(cell);
    if (known !== undefined && !this._isBetter(row, known)) {
      return false;
    }
    this._jobs.set(cell, row);
    return true;
  }

  private _isBetter(row: JobRow, known: JobRow): boolean {
    if (row.summary.id === known.summary.id) {
      return true;
    }
    const [isOwn, wasOwn] = [row, known].map(each => isSameNotebook(each.origin.notebook, this._path()));
    return isOwn === wasOwn ? row.summary.createTime > known.summary.createTime : isOwn === true;
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
