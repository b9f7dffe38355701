import { useCallback, useEffect, useRef, useState } from 'react';

import { asProblem } from '../client';
import type { IPanels } from '../tokens';
import type { JobRow, Page, Problem } from '../types';

/** A page as the server renders it, and why it could not be read. */
export interface PageData {
  page: Page | null;
  problem: Problem | null;
  refresh: () => void;
}

/** A page of a job that runs is made anew no more often than that, in milliseconds: to render it takes the server a while. */
const PAUSE = 2_000;

/** And the server is left alone for so many times as long as it took: the page of a study of a thousand trials takes it a second. */
const REST = 4;
/** What is in sight is read first: to render a page keeps the server from it. In milliseconds. */
const BEHIND_PAUSE = 500;

/**
 * The server's page of a job: read again when its state changes, and now and then while what moves in it moves.
 *
 * `isBehind`: of the page only what it says of other parts is needed now.
 */
export function usePage(
  panels: IPanels,
  id: string,
  row: JobRow | undefined,
  isSeen: boolean,
  isBehind: boolean
): PageData {
  const [page, setPage] = useState<Page | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, ask] = useState(0);
  const state = row?.summary.state;
  const read = useRef({
    state: undefined as string | undefined,
    row: undefined as JobRow | undefined,
    at: 0,
    took: 0,
    isBusy: false
  });
  useEffect(() => {
    const last = read.current;
    if (!isSeen || last.isBusy || (last.row === row && last.at > 0)) {
      return undefined;
    }
    const wait =
      last.state === state ? last.at + Math.max(PAUSE, REST * last.took) - Date.now() : isBehind ? BEHIND_PAUSE : 0;
    const timer = window.setTimeout(() => {
      const began = Date.now();
      read.current = { ...last, state, row, at: began, isBusy: true };
      panels.client
        .jobPage(id)
        .then(
          found => {
            setPage(found);
            setProblem(null);
          },
          error => setProblem(asProblem(error))
        )
        .finally(() => {
          read.current.isBusy = false;
          read.current.took = Date.now() - began;
          ask(count => count + 1);
        });
    }, wait);
    return () => window.clearTimeout(timer);
  }, [panels, id, row, state, isSeen, isBehind, asked]);
  const refresh = useCallback(() => {
    read.current.at = 0;
    ask(count => count + 1);
  }, []);
  return { page, problem, refresh };
}
