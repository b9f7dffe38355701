import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Client } from './client';
import { serverClock } from './clock';
import { Feed, type Hearer, type Standing } from './feed';
import { SharedFeed } from './sharedfeed';
import type { Told } from './sse';
import type { Hello, JobRow } from './types';

/** Something happened to a model, an endpoint or a dataset: its list is to be read again. */
export interface NounChange {
  noun: 'model' | 'endpoint' | 'dataset';
  name: string;
  kind: string;
}

/**
 * What happens in the workspace, as it happens, while the tab is in sight: hidden, it holds no connection.
 *
 * Whoever shows something takes a new snapshot when `refreshed` is emitted.
 */
export class Stream implements IDisposable {
  private readonly _client: Client;
  private readonly _jobChanged = new Signal<this, JobRow>(this);
  private readonly _jobDeleted = new Signal<this, string>(this);
  private readonly _nounChanged = new Signal<this, NounChange>(this);
  private readonly _refreshed = new Signal<this, void>(this);
  private readonly _connectionChanged = new Signal<this, boolean>(this);
  private _feed: IDisposable | null = null;
  private _standing: Standing = 'connecting';
  private _isDisposed = false;

  constructor(client: Client) {
    this._client = client;
    document.addEventListener('visibilitychange', this._onVisibility);
    this._onVisibility();
  }

  /** A job is new, or has changed; the whole row. */
  get jobChanged(): ISignal<this, JobRow> {
    return this._jobChanged;
  }

  /** A job is gone; its id. */
  get jobDeleted(): ISignal<this, string> {
    return this._jobDeleted;
  }

  get nounChanged(): ISignal<this, NounChange> {
    return this._nounChanged;
  }

  /** Events may have been missed: what is shown is to be read again. */
  get refreshed(): ISignal<this, void> {
    return this._refreshed;
  }

  /** Whether the server is heard from now on; also emitted where only the reason why not is another one. */
  get connectionChanged(): ISignal<this, boolean> {
    return this._connectionChanged;
  }

  get isConnected(): boolean {
    return this._standing === 'connected';
  }

  get standing(): Standing {
    return this._standing;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    document.removeEventListener('visibilitychange', this._onVisibility);
    this._close();
    Signal.clearData(this);
  }

  private readonly _onVisibility = (): void => {
    if (document.visibilityState === 'hidden') {
      this._close();
    } else if (this._feed === null) {
      this._feed = this._open();
    }
  };

  private _open(): IDisposable {
    const hearer: Hearer = {
      told: told => this._onTold(told),
      standing: standing => this._setStanding(standing)
    };
    return SharedFeed.isPossible ? new SharedFeed(this._client, hearer) : new Feed(this._client, hearer);
  }

  private _close(): void {
    this._feed?.dispose();
    this._feed = null;
    this._setStanding('connecting');
  }

  private _onTold({ event, data }: Told): void {
    try {
      this._tell(event, JSON.parse(data));
    } catch {
      // Half of something, or of another version: the snapshot has it whole.
      this._refreshed.emit();
    }
  }

  private _tell(event: string, data: unknown): void {
    switch (event) {
      case 'hello':
        serverClock.set((data as Hello).time);
        this._setStanding('connected');
        this._refreshed.emit();
        break;
      case 'lagging':
        this._refreshed.emit();
        break;
      case 'job':
        this._jobChanged.emit(data as JobRow);
        break;
      case 'deleted':
        this._jobDeleted.emit((data as { job: string }).job);
        break;
      case 'model':
      case 'endpoint':
      case 'dataset':
        this._nounChanged.emit({ ...(data as NounChange), noun: event });
    }
  }

  private _setStanding(standing: Standing): void {
    if (this._standing !== standing) {
      this._standing = standing;
      this._connectionChanged.emit(this.isConnected);
    }
  }
}
