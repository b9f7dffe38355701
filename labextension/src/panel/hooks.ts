import type { ISignal } from '@lumino/signaling';
import { createContext, useContext, useEffect, useLayoutEffect, useReducer, useState } from 'react';

import { serverNow } from '../clock';

/** Whether the panel is in sight: what is not asks for nothing, and its clocks stand still. */
export const Visible = createContext(true);

/** Render again when a signal is emitted; how often it was. */
export function useSignal<Sender, Args>(signal: ISignal<Sender, Args>): number {
  const [version, render] = useReducer((count: number) => count + 1, 0);
  // Not after the picture is drawn, as other effects: what was told before that would be missed.
  useLayoutEffect(() => {
    signal.connect(render);
    return () => void signal.disconnect(render);
  }, [signal]);
  return version;
}

type Listener = () => void;

/** One clock for all that ticks. */
class Ticker {
  private readonly _listeners = new Set<Listener>();
  private _timer = 0;

  listen(listener: Listener): () => void {
    this._listeners.add(listener);
    if (this._listeners.size === 1) {
      this._timer = window.setInterval(() => this._tick(), 1_000);
    }
    return () => {
      this._listeners.delete(listener);
      if (this._listeners.size === 0) {
        window.clearInterval(this._timer);
      }
    };
  }

  private _tick(): void {
    if (document.visibilityState !== 'hidden') {
      this._listeners.forEach(tick => tick());
    }
  }
}

const ticker = new Ticker();

/** The present time by the server's clock, in milliseconds: each second anew while `ticks` and while somebody looks. */
export function useNow(ticks: boolean): number {
  const isVisible = useContext(Visible);
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (ticks && isVisible) {
      setNow(serverNow());
      return ticker.listen(() => setNow(serverNow()));
    }
    return undefined;
  }, [ticks, isVisible]);
  return ticks ? now : serverNow();
}

/** The value, but only once it has been the same for a while. */
export function useSettled<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), milliseconds);
    return () => window.clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
