import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asProblem, type Client } from './client';
import type { JobStore } from './store';
import type { Stream } from './stream';
import type { JobRow, JobRows, Problem } from './types';

/** What a list is about. */
export interface ListQuery {
  filter: string;
  sortBy: string;
  trials: boolean;
}

/** Whether a job may belong to a list, as far as its row tells: changes of others cost the list nothing. */
export type Belongs = (row: JobRow, query: ListQuery) => boolean;

const PAGE = 100;
/** Changes that come together cost one look, in milliseconds. */
const PAUSE = 250;

const isShown: Belongs = (row, query) => query.trials || row.summary.parent === undefined;

/**
 * A window on the list of jobs: positions to ids, read by pages as they come into sight.
 *
 * In the plain order, newest first, a new job is put before the others at once. With a filter or another order only the
 * server knows where it belongs, so what is in sight is read again when a job is new or comes to another state. A list
 * that is paused asks for nothing, and reads what it missed when it goes on.
 */
export class JobList implements IDisposable {
  private readonly _client: Client;
  private readonly _store: JobStore;
  private readonly _stream: Stream;
  private readonly _belongs: Belongs;
  private readonly _changed = new Signal<this, void>(this);
  private _query: ListQuery;
  private _ids: (string | undefined)[] = [];
  /** The jobs of which something was heard, with the state that they were then in. */
  private readonly _states = new Map<string, string>();
  private readonly _asked = new Set<number>();
  /** Pages that could not be read, and are left alone until something changes. */
  private readonly _failed = new Set<number>();
  private _sight: [number, number] = [0, PAGE - 1];
  private _generation = 0;
  private _revision = 0;
  private _reading = 0;
  private _timer: number | undefined;
  private _problem: Problem | null = null;
  private _unfinished = 0;
  private _isRead = false;
  private _isPaused = false;
  private _isOutdated = false;
  /** Something came to another state while the list was read. */
  private _isStale = false;
  private _isDisposed = false;

  constructor(client: Client, store: JobStore, stream: Stream, query: Partial<ListQuery> = {}, belongs = isShown) {
    this._client = client;
    this._store = store;
    this._stream = stream;
    this._query = { filter: '', sortBy: '', trials: false, ...query };
    this._belongs = belongs;
    store.changed.connect(this._onChanged, this);
    store.removed.connect(this._onRemoved, this);
    stream.jobChanged.connect(this._onHeard, this);
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

  /** Another one whenever jobs stand elsewhere; what only moves in them leaves it. */
  get revision(): number {
    return this._revision;
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

  /** Whether nobody looks at it. */
  get isPaused(): boolean {
    return this._isPaused;
  }

  set isPaused(isPaused: boolean) {
    if (this._isPaused !== isPaused) {
      this._isPaused = isPaused;
      if (!isPaused && (this._isOutdated || !this._isRead)) {
        this.refresh();
      }
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The id at a position; undefined while it is not read. */
  id(position: number): string | undefined {
    return this._ids[position];
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
    if (this._isPaused || !this._isRead) {
      return;
    }
    for (const page of this._pages()) {
      const isMissing = this._ids
        .slice(page * PAGE, (page + 1) * PAGE)
        .some(id => id === undefined || !this._store.get(id));
      if (isMissing && !this._asked.has(page) && !this._failed.has(page)) {
        void this._read([page], false);
      }
    }
  }

  ask(query: ListQuery): void {
    this._query = query;
    this._sight = [0, PAGE - 1];
    this.refresh();
  }

  /** Read what is in sight again; what is out of sight is read when it comes into it. */
  refresh(): void {
    window.clearTimeout(this._timer);
    this._timer = undefined;
    if (this._isPaused) {
      this._isOutdated = true;
      return;
    }
    this._isOutdated = false;
    this._generation++;
    this._failed.clear();
    this._asked.clear();
    void this._read(this._pages(), true);
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.clearTimeout(this._timer);
      this._store.changed.disconnect(this._onChanged, this);
      this._store.removed.disconnect(this._onRemoved, this);
      this._stream.jobChanged.disconnect(this._onHeard, this);
      this._stream.refreshed.disconnect(this.refresh, this);
      Signal.clearData(this);
    }
  }

  private _pages(): number[] {
    const first = Math.floor(this._sight[0] / PAGE);
    const last = Math.max(first, Math.floor(this._sight[1] / PAGE));
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  }

  private async _read(pages: readonly number[], isAnew: boolean): Promise<void> {
    const generation = this._generation;
    const { moment } = this._store;
    pages.forEach(page => this._asked.add(page));
    this._reading++;
    try {
      const found = await Promise.all(pages.map(page => this._ask(page)));
      if (generation === this._generation && !this._isDisposed) {
        this._take(pages, found, moment, isAnew);
      }
    } catch (error) {
      if (generation === this._generation && !this._isDisposed) {
        this._problem = asProblem(error);
        pages.forEach(page => this._failed.add(page));
      }
    } finally {
      if (--this._reading === 0 && this._isStale) {
        this._isStale = false;
        this._refreshSoon();
      }
    }
    if (generation === this._generation && !this._isDisposed) {
      pages.forEach(page => this._asked.delete(page));
      this._changed.emit();
    }
  }

  private _ask(page: number): Promise<JobRows> {
    const { filter, sortBy, trials } = this._query;
    return this._client.jobs({
      ...(filter ? { filter } : {}),
      ...(sortBy ? { sortBy } : {}),
      trials,
      limit: PAGE,
      offset: page * PAGE
    });
  }

  private _take(pages: readonly number[], found: readonly JobRows[], moment: number, isAnew: boolean): void {
    const last = found[found.length - 1]!;
    this._problem = null;
    this._isRead = true;
    this._unfinished = last.unfinished;
    this._revision++;
    this._resize(last.total, isAnew);
    this._forget(found.flatMap(({ jobs }) => jobs.map(row => row.summary.id)));
    const placed = new Set<string>();
    found.forEach(({ jobs }, at) => {
      jobs.forEach((row, index) => {
        const position = pages[at]! * PAGE + index;
        if (position < last.total && !placed.has(row.summary.id)) {
          this._ids[position] = row.summary.id;
          placed.add(row.summary.id);
        }
        this._learn(row, moment);
      });
    });
  }

  /** Jobs that stand elsewhere by now: a list in which others have come between two pages would have them twice. */
  private _forget(ids: readonly string[]): void {
    const moved = new Set(ids);
    this._ids.forEach((id, position) => {
      if (id !== undefined && moved.has(id)) {
        this._ids[position] = undefined;
      }
    });
  }

  private _learn(row: JobRow, moment: number): void {
    this._store.put(row, moment);
    const known = this._store.get(row.summary.id);
    if (known !== undefined) {
      this._states.set(row.summary.id, known.summary.state);
    }
  }

  private _resize(total: number, isAnew: boolean): void {
    const known = isAnew ? 0 : Math.min(this._ids.length, total);
    this._ids.length = total;
    this._ids.fill(undefined, known);
  }

  private _onChanged(_: JobStore, row: JobRow): void {
    // What a page brings is told once, when it is taken.
    if (this._reading === 0 && this._states.has(row.summary.id)) {
      this._changed.emit();
    }
  }

  /** What the stream says is new, and newer than what is being read. */
  private _onHeard(_: Stream, row: JobRow): void {
    const { id, state } = row.summary;
    if (!this._belongs(row, this._query)) {
      return;
    }
    const before = this._states.get(id);
    this._states.set(id, state);
    if (before === state || !this._isRead) {
      return;
    }
    if (!this._isPlain) {
      this._refreshSoon();
    } else if (before === undefined && this._reading === 0 && this._isNewest(row)) {
      this._ids.unshift(id);
      this._revision++;
      this._changed.emit();
    } else if (before === undefined) {
      this._refreshSoon();
    }
  }

  private get _isPlain(): boolean {
    return !this._query.filter && !this._query.sortBy;
  }

  private _isNewest(row: JobRow): boolean {
    const first = this.at(0);
    return first === undefined ? this.total === 0 : row.summary.createTime >= first.summary.createTime;
  }

  private _onRemoved(_: JobStore, id: string): void {
    this._states.delete(id);
    const position = this._ids.indexOf(id);
    if (position >= 0) {
      this._ids.splice(position, 1);
      this._revision++;
      this._changed.emit();
      this._refreshSoon();
    }
  }

  /** Not while it is read: where jobs change faster than the server answers, no answer would ever be taken. */
  private _refreshSoon(): void {
    if (this._reading > 0) {
      this._isStale = true;
    } else {
      this._timer ??= window.setTimeout(() => this.refresh(), PAUSE);
    }
  }
}
