import { useCallback, useEffect, useRef, useState } from 'react';

import { asProblem } from '../client';
import { useSignal } from '../jobpage/hooks';
import type { IPanels } from '../tokens';
import type { Page, Problem } from '../types';

/** Jobs side by side, as far as they are there. */
export interface Compared {
  page: Page | null;
  problem: Problem | null;
  /** Ids of those that were deleted, or are of another workspace. */
  gone: readonly string[];
  refresh: () => void;
}

/** While jobs go on, how often they are compared anew at most, in milliseconds; */
const PAUSE = 2_000;
/** and the server is left alone for so many times as long as it took. */
const REST = 4;
const NOBODY: ReadonlySet<string> = new Set();

/** The comparison as the server makes it, again when one of the jobs has changed; never twice at once. */
export function useComparison(panels: IPanels, ids: readonly string[], isSeen: boolean): Compared {
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, ask] = useState(1);
  const [gone, setGone] = useState(NOBODY);
  const refresh = useCallback(() => ask(count => count + 1), []);
  const left = ids.filter(id => !gone.has(id));
  const key = left.join();
  useChangesOf(panels, ids, refresh, id => setGone(known => new Set(known).add(id)));
  const [settled, setSettled] = useState(0);
  const done = useRef({ of: '', at: 0, took: 0, isBusy: false });
  const wanted = `${asked} ${key}`;
  useEffect(() => {
    if (!isSeen || done.current.isBusy || done.current.of === wanted || key === '') {
      return undefined;
    }
    const { at, took } = done.current;
    const timer = window.setTimeout(
      () => {
        const began = Date.now();
        done.current = { of: wanted, at: began, took, isBusy: true };
        panels.client
          .compareJobs(key.split(','))
          .then(
            found => {
              setPage(found);
              setProblem(null);
            },
            error => setProblem(asProblem(error))
          )
          .finally(() => {
            done.current.isBusy = false;
            done.current.took = Date.now() - began;
            // What has changed meanwhile is looked at now.
            setSettled(began);
          });
      },
      // Who is told that a job is gone does not want to wait.
      done.current.of.endsWith(` ${key}`) ? at + Math.max(PAUSE, REST * took) - Date.now() : 0
    );
    return () => window.clearTimeout(timer);
  }, [panels, key, wanted, isSeen, settled]);
  return { page, problem, gone: [...gone], refresh };
}

/** Call `onChange` when one of the jobs, or a trial of it, is another, and `onGone` with the id of one that is deleted. */
function useChangesOf(
  panels: IPanels,
  ids: readonly string[],
  onChange: () => void,
  onGone: (id: string) => void
): void {
  const key = ids.join();
  useSignal(panels.jobs.changed, ({ summary: { id, parent } }) => {
    if (ids.includes(id) || (parent && ids.includes(parent))) {
      onChange();
    }
  });
  useSignal(panels.jobs.removed, id => {
    if (ids.includes(id)) {
      onGone(id);
    } else if (ids.some(study => id.startsWith(`${study}-`))) {
      onChange();
    }
  });
  useEffect(() => {
    const ends = ids.map(id => panels.jobs.watch(id));
    return () => ends.forEach(end => end());
  }, [panels, key]);
}
