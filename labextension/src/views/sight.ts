import type { IDisposable } from '@lumino/disposable';

/** Tells when a part of the page comes into sight and leaves it, by scrolling or with the tab of the browser. */
export class Sight implements IDisposable {
  private readonly _observer: IntersectionObserver;
  private readonly _tell: (isSeen: boolean) => void;
  private _isNear = false;
  private _isSeen = false;
  private _isDisposed = false;

  constructor(node: Element, tell: (isSeen: boolean) => void) {
    this._tell = tell;
    this._observer = new IntersectionObserver(entries => {
      this._isNear = entries.at(-1)?.isIntersecting ?? false;
      this._update();
    });
    this._observer.observe(node);
    document.addEventListener('visibilitychange', this._update);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._observer.disconnect();
    document.removeEventListener('visibilitychange', this._update);
  }

  private readonly _update = (): void => {
    const isSeen = this._isNear && document.visibilityState !== 'hidden';
    if (isSeen !== this._isSeen) {
      this._isSeen = isSeen;
      this._tell(isSeen);
    }
  };
}
