import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { Pace } from '../views/pace';

/** Between two looks, in milliseconds: jobs may change state by the hundred in a second. */
const PAUSE = 1_000;

/** How many jobs run, and how many wait to; asked again when a job comes to another state. */
export class JobCount implements IDisposable {
  private readonly _changed = new Signal<this, void>(this);
  private readonly _states = new Map<string, string>();
  private readonly _pace = new Pace(() => this._read(), PAUSE);
  private _counts: { running: number; waiting: number } | undefined;
  private _isDisposed = false;

  constructor(private readonly _panels: IPanels) {
    const { stream, jobs } = _panels;
    stream.jobChanged.connect(this._onHeard, this);
    stream.refreshed.connect(this._readSoon, this);
    stream.connectionChanged.connect(this._onConnection, this);
    jobs.removed.connect(this._onRemoved, this);
    if (stream.isConnected) {
      // The stream may have been quicker.
      this._readSoon();
    }
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether the server has told. */
  get isKnown(): boolean {
    return this._counts !== undefined;
  }

  get running(): number {
    return this._counts?.running ?? 0;
  }

  /** Those that have not ended, and do not run. */
  get waiting(): number {
    return this._counts?.waiting ?? 0;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._pace.dispose();
      const { stream, jobs } = this._panels;
      stream.jobChanged.disconnect(this._onHeard, this);
      stream.refreshed.disconnect(this._readSoon, this);
      stream.connectionChanged.disconnect(this._onConnection, this);
      jobs.removed.disconnect(this._onRemoved, this);
      Signal.clearData(this);
    }
  }

  private _onHeard(_: Stream, { summary }: JobRow): void {
    if (summary.parent === undefined && this._states.get(summary.id) !== summary.state) {
      this._states.set(summary.id, summary.state);
      this._readSoon();
    }
  }

  private _onRemoved(_: unknown, id: string): void {
    this._states.delete(id);
    this._readSoon();
  }

  private _readSoon(): void {
    this._pace.ask();
  }

  private async _read(): Promise<void> {
    try {
      const { total, unfinished } = await this._panels.client.jobs({ filter: 'state=RUNNING', limit: 1 });
      this._counts = { running: total, waiting: Math.max(0, unfinished - total) };
      this._changed.emit();
    } catch {
      // The panel says what is wrong; the number is asked for again when the server is back.
    }
  }

  /** What was counted last says nothing of a server that was lost for long. */
  private _onConnection({ standing }: Stream): void {
    if (standing === 'refused' || standing === 'missing') {
      this._counts = undefined;
      this._changed.emit();
    }
  }
}
