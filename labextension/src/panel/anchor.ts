import type { Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef } from 'react';

import type { PanelModel } from './model';

export type List = Virtualizer<HTMLDivElement, HTMLDivElement>;

/** What is looked at, and where it was when it was looked at last. */
interface Anchor {
  id: string | undefined;
  start: number;
  revision: number;
  query: unknown;
}

/** Keep what is looked at where it is when jobs come in above it; another list begins at its top. */
export function useAnchor(scroller: { current: HTMLDivElement | null }, model: PanelModel, list: List): void {
  const anchor = useRef<Anchor | null>(null);
  const { jobs } = model;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) {
      return;
    }
    const { revision } = jobs;
    const { query } = jobs.jobs;
    const seen = anchor.current;
    // To ask the element itself would make the browser lay out the page once more.
    const offset = list.scrollOffset ?? 0;
    if (seen !== null && seen.query !== query) {
      element.scrollTop = 0;
    } else if (seen?.id !== undefined && seen.revision !== revision && offset > 0) {
      const start = list.measurementsCache[jobs.indexOf(seen.id)]?.start ?? seen.start;
      if (start !== seen.start) {
        element.scrollTop = offset + start - seen.start;
      }
    }
    const inSight = list.getVirtualItems().filter(({ end }) => end > offset);
    const top = inSight.find(({ index }) => jobs.at(index).id !== undefined);
    anchor.current = { id: top && jobs.at(top.index).id, start: top?.start ?? 0, revision, query };
    model.offset = offset;
  });
}

/** Bring the row that the keyboard is on into sight when it is another one. */
export function useReach(list: List, active: string | undefined, line: number): void {
  const reached = useRef(active);
  useEffect(() => {
    if (active !== undefined && reached.current !== active) {
      list.scrollToIndex(line);
    }
    reached.current = active;
  }, [active]);
}
