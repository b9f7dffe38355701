import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Client } from './client';
import type { JobRow } from './types';

/** Something happened to a model, an endpoint or a dataset: its list is to be read again. */
export interface NounChange {
  noun: 'model' | 'endpoint' | 'dataset';
  name: string;
  kind: string;
}

/** How long a connection that broke is left alone, in milliseconds; doubled with each failure. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/**
 * What happens in the workspace, as it happens.
 *
 * A browser has six connections to a server for all its tabs. So each tab holds one, and none while it is hidden: with
 * six tabs, nothing else would get through. Whoever shows something takes a new snapshot when `refreshed` is emitted.
 */
export class Stream implements IDisposable {
  private readonly _client: Client;
  private readonly _jobChanged = new Signal<this, JobRow>(this);
  private readonly _jobDeleted = new Signal<this, string>(this);
  private readonly _nounChanged = new Signal<this, NounChange>(this);
  private readonly _refreshed = new Signal<this, void>(this);
  private readonly _connectionChanged = new Signal<this, boolean>(this);
  private _source: EventSource | null = null;
  private _pause = FIRST_PAUSE;
  private _timer: number | undefined;
  private _isConnected = false;
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

  get connectionChanged(): ISignal<this, boolean> {
    return this._connectionChanged;
  }

  get isConnected(): boolean {
    return this._isConnected;
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
    } else if (this._source === null) {
      this._open();
    }
  };

  private _open(): void {
    window.clearTimeout(this._timer);
    const token = this._client.settings.token;
    const address = this._client.route(['events'], token ? { token } : {});
    const source = new EventSource(address, { withCredentials: true });
    this._source = source;
    source.addEventListener('hello', () => {
      this._pause = FIRST_PAUSE;
      this._setConnected(true);
      this._refreshed.emit();
    });
    source.addEventListener('job', event => this._jobChanged.emit(JSON.parse(event.data)));
    source.addEventListener('deleted', event => this._jobDeleted.emit(JSON.parse(event.data).job));
    source.addEventListener('lagging', () => this._refreshed.emit());
    for (const noun of ['model', 'endpoint', 'dataset'] as const) {
      source.addEventListener(noun, event => this._nounChanged.emit({ noun, ...JSON.parse(event.data) }));
    }
    source.onerror = () => this._onError();
  }

  /** The browser would try again each second or so by itself, and not at all after an answer such as 403. */
  private _onError(): void {
    this._close();
    this._timer = window.setTimeout(() => this._onVisibility(), this._pause);
    this._pause = Math.min(2 * this._pause, LONGEST_PAUSE);
  }

  private _close(): void {
    window.clearTimeout(this._timer);
    this._source?.close();
    this._source = null;
    this._setConnected(false);
  }

  private _setConnected(isConnected: boolean): void {
    if (this._isConnected !== isConnected) {
      this._isConnected = isConnected;
      this._connectionChanged.emit(isConnected);
    }
  }
}
