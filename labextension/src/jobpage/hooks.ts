import type { ISignal } from '@lumino/signaling';
import { useEffect, useLayoutEffect, useReducer, useRef, useState, type RefObject } from 'react';

import { serverNow } from '../clock';
import type { Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';

/** Call `slot` for each signal while the component is there; the newest `slot` is the one that is called. */
export function useSignal<S, A>(signal: ISignal<S, A>, slot: (args: A) => void): void {
  const newest = useRef(slot);
  newest.current = slot;
  // Not after the picture is drawn, as other effects: what was told before that would be missed.
  useLayoutEffect(() => {
    const connected = (_: S, args: A): void => newest.current(args);
    signal.connect(connected);
    return () => void signal.disconnect(connected);
  }, [signal]);
}

/** A job's row, kept up to date; `isGone` once the job was deleted. The last row stays known. */
export function useRow(panels: IPanels, id: string): { row: JobRow | undefined; isGone: boolean } {
  const [row, setRow] = useState(() => panels.jobs.get(id));
  const [isGone, setGone] = useState(false);
  useSignal(panels.jobs.changed, changed => {
    if (changed.summary.id === id) {
      setRow(changed);
      setGone(false);
    }
  });
  useSignal(panels.jobs.removed, removed => removed === id && setGone(true));
  useEffect(() => panels.jobs.watch(id), [panels, id]);
  return { row, isGone };
}

/** Whether the server is heard. */
export function useConnected(stream: Stream): boolean {
  const [isConnected, setConnected] = useState(stream.isConnected);
  useSignal(stream.connectionChanged, setConnected);
  return isConnected;
}

/** Whether an element can be seen: its browser tab is in front, and so are the tabs that it lies in. */
export function useOnScreen(ref: RefObject<Element>): boolean {
  const [isInView, setInView] = useState(false);
  const [isShown, setShown] = useState(document.visibilityState !== 'hidden');
  useEffect(() => {
    const onVisibility = (): void => setShown(document.visibilityState !== 'hidden');
    document.addEventListener('visibilitychange', onVisibility);
    const observer = new IntersectionObserver(entries => setInView(entries[entries.length - 1]!.isIntersecting));
    if (ref.current) {
      observer.observe(ref.current);
    }
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      observer.disconnect();
    };
  }, [ref]);
  return isInView && isShown;
}

/** Beyond so many milliseconds a server that does not answer is not left alone for longer. */
const LONGEST_PAUSE = 15_000;

/**
 * Call `look` now and again, `pause` milliseconds after it has ended, while `isOn`; never twice at once.
 *
 * It says whether it was answered: where it was not (`false`), the pause is doubled each time, until `isConnected` changes.
 */
export function usePolling(
  look: () => Promise<boolean | void>,
  pause: number,
  isOn: boolean,
  isConnected = true
): void {
  const newest = useRef(look);
  newest.current = look;
  // Of all effects: one begins while the look of the one before it is under way.
  const running = useRef<Promise<boolean> | null>(null);
  useEffect(() => {
    let timer: number | undefined;
    let isOver = !isOn;
    let wait = pause;
    const turn = async (): Promise<void> => {
      while (running.current) {
        await running.current;
      }
      if (isOver) {
        return;
      }
      running.current = isAnswered(newest.current);
      const wasAnswered = await running.current;
      running.current = null;
      wait = wasAnswered ? pause : Math.min(2 * wait, LONGEST_PAUSE);
      if (!isOver) {
        timer = window.setTimeout(() => void turn(), wait);
      }
    };
    if (isOn) {
      void turn();
    }
    return () => {
      isOver = true;
      window.clearTimeout(timer);
    };
  }, [pause, isOn, isConnected]);
}

/** As `usePolling` while what is looked at goes on, and then until one more look was answered: so its end is never missed. */
export function useFollowing(
  look: () => Promise<boolean | void>,
  pause: number,
  { isSeen, isLive, isConnected }: { isSeen: boolean; isLive: boolean; isConnected: boolean }
): void {
  const [isEndRead, setEndRead] = useState(false);
  const follow = async (): Promise<boolean> => {
    const wasAnswered = (await look()) !== false;
    setEndRead(wasAnswered && !isLive);
    return wasAnswered;
  };
  usePolling(follow, pause, isSeen && (isLive || !isEndRead), isConnected);
}

async function isAnswered(look: () => Promise<boolean | void>): Promise<boolean> {
  try {
    return (await look()) !== false;
  } catch (error) {
    // What should not have been thrown ends no polling for good.
    console.error(error);
    return false;
  }
}

/** The time by the server's clock, in milliseconds, which goes on by seconds while `isOn`. */
export function useNow(isOn: boolean): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    setNow(serverNow());
    if (isOn) {
      const timer = window.setInterval(() => setNow(serverNow()), 1_000);
      return () => window.clearInterval(timer);
    }
    return undefined;
  }, [isOn]);
  return now;
}

/** A number that is another one after the theme was changed: whoever draws with its colours draws again. */
export function useTheme(): number {
  const [count, change] = useReducer((before: number) => before + 1, 0);
  useEffect(() => {
    // The sheet of the new theme is there when Jupyter names it on the body.
    const observer = new MutationObserver(change);
    observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-name'] });
    return () => observer.disconnect();
  }, []);
  return count;
}

/** Draw the component again. */
export function useRedraw(): () => void {
  return useReducer((before: number) => before + 1, 0)[1];
}
