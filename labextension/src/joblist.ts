import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asProblem, type Client } from './client';
import type { JobStore } from './store';
import type { Stream } from './stream';
import type { JobRow, Problem } from './types';

/** What a list is about. */
export interface ListQuery {
  filter: string;
  sortBy: string;
  trials: boolean;
}

const PAGE = 100;
/** Changes that come together cost one look, in milliseconds. */
const PAUSE = 250;

/**
 * A window on the list of jobs: positions to ids, read by pages as they come into sight.
 *
 * In the plain order, newest first, a new job is put before the others at once. With a filter or another order only the
 * server knows where it belongs, so what is in sight is read again.
 */
export class JobList implements IDisposable {
  private readonly _client: Client;
  private readonly _store: JobStore;
  private readonly _stream: Stream;
  private readonly _changed = new Signal<this, void>(this);
  private _query: ListQuery = { filter: '', sortBy: '', trials: false };
  private _ids: (string | undefined)[] = [];
  private _asked = new Set<number>();
  private _sight: [number, number] = [0, PAGE];
  private _generation = 0;
  private _timer: number | undefined;
  private _problem: Problem | null = null;
  private _unfinished = 0;
  private _isRead = false;
  private _isDisposed = false;

  constructor(client: Client, store: JobStore, stream: Stream) {
    this._client = client;
    this._store = store;
    this._stream = stream;
    store.changed.connect(this._onChanged, this);
    store.removed.connect(this._onRemoved, this);
    stream.refreshed.connect(this.refresh, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get query(): ListQuery {
    return this._query;
  }

  /** How many jobs pass the filter. */
  get total(): number {
    return this._ids.length;
  }

  /** How many of all jobs have not ended. */
  get unfinished(): number {
    return this._unfinished;
  }

  /** Why the list cannot be read, such as a filter that is wrong; what was read before is still shown. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Whether the first answer is there. */
  get isRead(): boolean {
    return this._isRead;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The row at a position; undefined while it is not read. */
  at(position: number): JobRow | undefined {
    const id = this._ids[position];
    return id === undefined ? undefined : this._store.get(id);
  }

  position(id: string): number {
    return this._ids.indexOf(id);
  }

  /** Say which positions are in sight, so that they are read. */
  show(first: number, last: number): void {
    this._sight = [first, last];
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      const isMissing = this._ids
        .slice(page * PAGE, (page + 1) * PAGE)
        .some(id => id === undefined || !this._store.get(id));
      if (isMissing && !this._asked.has(page)) {
        void this._read(page);
      }
    }
  }

  ask(query: ListQuery): void {
    this._query = query;
    this.refresh();
  }

  /** Read what is in sight again. */
  refresh(): void {
    window.clearTimeout(this._timer);
    this._timer = undefined;
    this._generation++;
    this._asked.clear();
    const [first, last] = this._sight;
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      void this._read(page);
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.clearTimeout(this._timer);
      this._store.changed.disconnect(this._onChanged, this);
      this._store.removed.disconnect(this._onRemoved, this);
      this._stream.refreshed.disconnect(this.refresh, this);
      Signal.clearData(this);
    }
  }

  private async _read(page: number): Promise<void> {
    const generation = this._generation;
    this._asked.add(page);
    const { filter, sortBy, trials } = this._query;
    try {
      const found = await this._client.jobs({
        ...(filter ? { filter } : {}),
        ...(sortBy ? { sortBy } : {}),
        trials,
        limit: PAGE,
        offset: page * PAGE
      });
      if (generation !== this._generation || this._isDisposed) {
        return;
      }
      this._problem = null;
      this._isRead = true;
      this._unfinished = found.unfinished;
      this._resize(found.total);
      found.jobs.forEach((row, index) => (this._ids[page * PAGE + index] = row.summary.id));
      found.jobs.forEach(row => this._store.put(row));
    } catch (error) {
      if (generation !== this._generation || this._isDisposed) {
        return;
      }
      this._problem = asProblem(error);
    } finally {
      this._asked.delete(page);
    }
    this._changed.emit();
  }

  private _resize(total: number): void {
    const known = this._ids.length;
    this._ids.length = total;
    if (total > known) {
      this._ids.fill(undefined, known);
    }
  }

  private _onChanged(_: JobStore, row: JobRow): void {
    const { filter, sortBy, trials } = this._query;
    const isKnown = this._ids.includes(row.summary.id);
    const isTrial = row.summary.parent !== undefined;
    if (filter || sortBy) {
      // Pages that are just read come by here as well.
      if (this._asked.size === 0 && (!isTrial || trials || isKnown)) {
        this._refreshSoon();
      }
    } else if (!isKnown && this._isRead && this._asked.size === 0 && (trials || !isTrial) && this._isNewest(row)) {
      this._ids.unshift(row.summary.id);
      this._refreshSoon();
    }
    if (isKnown || this._asked.size === 0) {
      this._changed.emit();
    }
  }

  private _isNewest(row: JobRow): boolean {
    const first = this.at(0);
    return first === undefined || row.summary.createTime >= first.summary.createTime;
  }

  private _onRemoved(_: JobStore, id: string): void {
    const position = this._ids.indexOf(id);
    if (position >= 0) {
      this._ids.splice(position, 1);
      this._changed.emit();
    }
    this._refreshSoon();
  }

  private _refreshSoon(): void {
    this._timer ??= window.setTimeout(() => this.refresh(), PAUSE);
  }
}
