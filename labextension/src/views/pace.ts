import type { IDisposable } from '@lumino/disposable';

/** Does something whenever it is asked for, one at a time and no more often than once in a while; the last asking counts. */
export class Pace implements IDisposable {
  private readonly _act: () => Promise<void>;
  private readonly _pause: number;
  private _timer: number | undefined;
  private _isBusy = false;
  private _isWanted = false;
  private _isDisposed = false;

  /** The pause between two ends is in milliseconds. */
  constructor(act: () => Promise<void>, pause: number) {
    this._act = act;
    this._pause = pause;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  ask(): void {
    this._isWanted = true;
    if (!this._isBusy && this._timer === undefined) {
      void this._run();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
  }

  private async _run(): Promise<void> {
    this._timer = undefined;
    if (!this._isWanted || this._isDisposed) {
      return;
    }
    this._isWanted = false;
    this._isBusy = true;
    try {
      await this._act();
    } finally {
      this._isBusy = false;
      this._timer = this._isDisposed ? undefined : window.setTimeout(() => void this._run(), this._pause);
    }
  }
}
