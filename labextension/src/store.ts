import { Signal, type ISignal } from '@lumino/signaling';

import { ProblemError, type Client } from './client';
import { isFinal } from './panel/states';
import type { Stream } from './stream';
import type { JobRow } from './types';

/** Rows that nobody watches and that were not touched lately are dropped beyond so many. */
const MOST_ROWS = 2_000;
/** What is asked for together costs one look, in milliseconds. */
const PAUSE = 20;
/** After a failure of the server, which may pass. */
const LONG_PAUSE = 5_000;
const MOST_IDS = 100;

/** The jobs that are known to this tab, by id, as they are now: one copy for list, pages, cells and outputs. */
export class JobStore {
  private readonly _client: Client;
  private readonly _rows = new Map<string, JobRow>();
  private readonly _watched = new Map<string, number>();
  private readonly _changed = new Signal<this, JobRow>(this);
  private readonly _removed = new Signal<this, string>(this);
  /** When something was heard of a job last, or it was deleted. */
  private readonly _moments = new Map<string, number>();
  private _moment = 0;
  private readonly _wanted = new Set<string>();
  private _timer: number | undefined;

  constructor(client: Client, stream: Stream) {
    this._client = client;
    stream.jobChanged.connect((_, row) => this._hear(row));
    stream.jobDeleted.connect((_, id) => this.remove(id));
    stream.refreshed.connect(() => void this._readWatched());
  }

  /** A row is new or another; one signal for each job. */
  get changed(): ISignal<this, JobRow> {
    return this._changed;
  }

  /** A job was deleted; its id. */
  get removed(): ISignal<this, string> {
    return this._removed;
  }

  get(id: string): JobRow | undefined {
    return this._rows.get(id);
  }

  /** To be noted before something is asked: what is heard from then on is newer than the answer. */
  get moment(): number {
    return this._moment;
  }

  /** Keep a row, unless something was heard of its job since it was asked for, at `moment`. */
  put(row: JobRow, moment = Infinity): void {
    const id = row.summary.id;
    const known = this._rows.get(id);
    if (this.isOutdated(id, moment)) {
      return;
    }
    if (known && isFinal(known.summary.state) && !isFinal(row.summary.state)) {
      // An answer that was long under way: no job leaves a final state, and the stream was faster.
      return;
    }
    // The map's order is that of last use.
    this._rows.delete(id);
    this._rows.set(id, row);
    this._trim();
    this._changed.emit(row);
  }

  /** Whether something was heard of a job since a moment. */
  isOutdated(id: string, moment: number): boolean {
    return (this._moments.get(id) ?? 0) > moment;
  }

  remove(id: string): void {
    this._note(id);
    this._rows.delete(id);
    this._removed.emit(id);
  }

  /**
   * Keep a job's row up to date from now on, also over a lost connection, until the function that is returned is called.
   * The row is read if it is not known; a job that is gone is told by `removed`.
   */
  watch(id: string): () => void {
    this._watched.set(id, (this._watched.get(id) ?? 0) + 1);
    if (!this._rows.has(id)) {
      this._readSoon([id]);
    }
    return () => {
      const count = (this._watched.get(id) ?? 1) - 1;
      if (count > 0) {
        this._watched.set(id, count);
      } else {
        this._watched.delete(id);
      }
    };
  }

  private _readWatched(): Promise<void> {
    return this._read([...this._watched.keys()]);
  }

  private _readSoon(ids: readonly string[], pause = PAUSE): void {
    ids.forEach(id => this._wanted.add(id));
    this._timer ??= window.setTimeout(() => {
      this._timer = undefined;
      const wanted = [...this._wanted].filter(id => this._watched.has(id));
      this._wanted.clear();
      void this._read(wanted);
    }, pause);
  }

  private async _read(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += MOST_IDS) {
      const asked = ids.slice(start, start + MOST_IDS);
      const { moment } = this;
      try {
        const found = await this._client.jobs({ ids: asked, limit: asked.length, trials: true });
        const known = new Set(found.jobs.map(row => row.summary.id));
        found.jobs.forEach(row => this.put(row, moment));
        asked.filter(id => !known.has(id) && !this.isOutdated(id, moment)).forEach(id => this.remove(id));
      } catch (error) {
        // Where nothing answers, the stream says when the server is back, and all is read again.
        if (error instanceof ProblemError && error.status >= 500) {
          this._readSoon(ids.slice(start), LONG_PAUSE);
        }
        return;
      }
    }
  }

  private _hear(row: JobRow): void {
    this._note(row.summary.id);
    this.put(row);
  }

  private _note(id: string): void {
    this._moments.delete(id);
    this._moments.set(id, ++this._moment);
    const [oldest] = this._moments.keys();
    if (this._moments.size > MOST_ROWS && oldest !== undefined) {
      this._moments.delete(oldest);
    }
  }

  private _trim(): void {
    for (const id of this._rows.keys()) {
      if (this._rows.size <= MOST_ROWS) {
        return;
      }
      if (!this._watched.has(id)) {
        this._rows.delete(id);
      }
    }
  }
}
