import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';

/** Changes that come together cost one look, in milliseconds. */
const PAUSE = 250;

/** How many jobs run, and how many wait to; asked again when a job comes to another state. */
export class JobCount implements IDisposable {
  private readonly _changed = new Signal<this, void>(this);
  private readonly _states = new Map<string, string>();
  private _running = 0;
  private _waiting = 0;
  private _timer: number | undefined;
  private _isDisposed = false;

  constructor(private readonly _panels: IPanels) {
    const { stream, jobs } = _panels;
    stream.jobChanged.connect(this._onHeard, this);
    stream.refreshed.connect(this._readSoon, this);
    jobs.removed.connect(this._onRemoved, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get running(): number {
    return this._running;
  }

  /** Those that have not ended, and do not run. */
  get waiting(): number {
    return this._waiting;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.clearTimeout(this._timer);
      const { stream, jobs } = this._panels;
      stream.jobChanged.disconnect(this._onHeard, this);
      stream.refreshed.disconnect(this._readSoon, this);
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
    this._timer ??= window.setTimeout(() => void this._read(), PAUSE);
  }

  private async _read(): Promise<void> {
    this._timer = undefined;
    try {
      const { total, unfinished } = await this._panels.client.jobs({ filter: 'state=RUNNING', limit: 1 });
      this._running = total;
      this._waiting = Math.max(0, unfinished - total);
      this._changed.emit();
    } catch {
      // The panel says what is wrong; the number is asked for again when the server is back.
    }
  }
}
