import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { NounChange, Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { Pace } from '../views/pace';
import { MonitoringNotes } from './monitoringnotes';

/** Between two looks, in milliseconds: endpoints may change together. */
const PAUSE = 1_000;

/** How many alerts last of endpoints and of monitored files; asked again when something happens to one of them. */
export class AlertCount implements IDisposable {
  private readonly _changed = new Signal<this, void>(this);
  private readonly _pace = new Pace(() => this._read(), PAUSE);
  private readonly _notes = new MonitoringNotes();
  private _count = 0;
  private _job: string | undefined;
  private _isDisposed = false;

  constructor(private readonly _panels: IPanels) {
    const { stream } = _panels;
    stream.nounChanged.connect(this._onHeard, this);
    stream.jobChanged.connect(this._onJob, this);
    stream.jobDeleted.connect(this._readSoon, this);
    stream.refreshed.connect(this._readSoon, this);
    stream.connectionChanged.connect(this._onConnection, this);
    if (stream.isConnected) {
      // The stream may have been quicker.
      this._readSoon();
    }
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** 0 before the server has told, too. */
  get count(): number {
    return this._count;
  }

  /** The job that looks at files and has the newest alert, where no endpoint has any. */
  get job(): string | undefined {
    return this._job;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._pace.dispose();
      const { stream } = this._panels;
      stream.nounChanged.disconnect(this._onHeard, this);
      stream.jobChanged.disconnect(this._onJob, this);
      stream.jobDeleted.disconnect(this._readSoon, this);
      stream.refreshed.disconnect(this._readSoon, this);
      stream.connectionChanged.disconnect(this._onConnection, this);
      Signal.clearData(this);
    }
  }

  private _onHeard(_: Stream, { noun }: NounChange): void {
    if (noun === 'endpoint') {
      this._readSoon();
    }
  }

  private _onJob(_: Stream, row: JobRow): void {
    if (this._notes.isNews(row)) {
      this._readSoon();
    }
  }

  private _readSoon(): void {
    this._pace.ask();
  }

  private async _read(): Promise<void> {
    try {
      const { client } = this._panels;
      const [rows, ofFiles] = await Promise.all([client.endpoints(), client.fileAlerts()]);
      const ofEndpoints = rows.reduce((sum, { alerts }) => sum + alerts, 0);
      this._job = ofEndpoints > 0 ? undefined : ofFiles[0]?.job;
      this._set(ofEndpoints + ofFiles.length);
    } catch {
      // The panel says what is wrong; the number is asked for again when the server is back.
    }
  }

  /** What was counted last says nothing of a server that was lost for long. */
  private _onConnection({ standing }: Stream): void {
    if (standing === 'refused' || standing === 'missing') {
      this._set(0);
    }
  }

  private _set(count: number): void {
    if (this._count !== count) {
      this._count = count;
      this._changed.emit();
    }
  }
}
