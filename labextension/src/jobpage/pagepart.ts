import { Signal, type ISignal } from '@lumino/signaling';

/** Which part of a page is shown. */
export class PagePart {
  private readonly _changed = new Signal<this, string>(this);
  private _value: string;

  constructor(value: string) {
    this._value = value;
  }

  get value(): string {
    return this._value;
  }

  get changed(): ISignal<this, string> {
    return this._changed;
  }

  set(value: string): void {
    if (value !== this._value) {
      this._value = value;
      this._changed.emit(value);
    }
  }
}
