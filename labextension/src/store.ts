import { Signal, type ISignal } from '@lumino/signaling';

import type { Client } from './client';
import { isFinal } from './panel/states';
import type { Stream } from './stream';
import type { JobRow } from './types';

/** Rows that nobody watches and that were not touched lately are dropped beyond so many. */
const MOST_ROWS = 2_000;

/** The jobs that are known to this tab, by id, as they are now: one copy for list, pages, cells and outputs. */
export class JobStore {
  private readonly _client: Client;
  private readonly _rows = new Map<string, JobRow>();
  private readonly _watched = new Map<string, number>();
  private readonly _changed = new Signal<this, JobRow>(this);
  private readonly _removed = new Signal<this, string>(this);

  constructor(client: Client, stream: Stream) {
    this._client = client;
    stream.jobChanged.connect((_, row) => this.put(row));
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

  put(row: JobRow): void {
    const id = row.summary.id;
    const known = this._rows.get(id);
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

  remove(id: string): void {
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
      void this._read([id]);
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

  private async _read(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += 100) {
      const asked = ids.slice(start, start + 100);
      try {
        const found = await this._client.jobs({ ids: asked, limit: asked.length, trials: true });
        const known = new Set(found.jobs.map(row => row.summary.id));
        found.jobs.forEach(row => this.put(row));
        asked.filter(id => !known.has(id)).forEach(id => this.remove(id));
      } catch {
        // The stream says when the server is back, and all is read again.
        return;
      }
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
