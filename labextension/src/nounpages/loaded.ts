import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';

import { asProblem } from '../client';
import { useOnScreen, useSignal } from '../jobpage/hooks';
import type { IPanels } from '../tokens';
import type { Problem } from '../types';

/** Something that was read from the server. */
export interface Loaded<T> {
  value: T | null;
  /** Why it could not be read just now; what was read before stays. */
  problem: Problem | null;
  /** Whether it was answered is returned. */
  reload: () => Promise<boolean>;
}

/** Read something, and again whenever `reload` is called or `load` is another function. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  // Of answers that overtake one another the one counts that was asked for last.
  const asked = useRef(0);
  const reload = useCallback(async () => {
    const turn = ++asked.current;
    try {
      const found = await load();
      if (asked.current === turn) {
        setValue(found);
        setProblem(null);
      }
      return true;
    } catch (error) {
      if (asked.current === turn) {
        setProblem(asProblem(error));
      }
      return false;
    }
  }, [load]);
  useEffect(() => void reload(), [reload]);
  return { value, problem, reload };
}

/** How long changes that come together are waited for, in milliseconds. */
const PAUSE = 150;

/**
 * Call `reload` when something happens to one of `nouns` while the page can be seen, and when it can be seen again.
 * Whether it can be seen is returned.
 */
export function useChanges(
  panels: IPanels,
  nouns: readonly string[],
  page: RefObject<Element>,
  reload: () => Promise<unknown>
): boolean {
  const isSeen = useOnScreen(page);
  const isStale = useRef(false);
  const timer = useRef<number>();
  const look = (): void => {
    isStale.current = true;
    window.clearTimeout(timer.current);
    if (isSeen) {
      timer.current = window.setTimeout(() => {
        isStale.current = false;
        void reload();
      }, PAUSE);
    }
  };
  useSignal(panels.stream.nounChanged, change => nouns.includes(change.noun) && look());
  useSignal(panels.stream.refreshed, look);
  useEffect(() => {
    if (isSeen && isStale.current) {
      look();
    }
    return () => window.clearTimeout(timer.current);
  }, [isSeen]);
  return isSeen;
}
