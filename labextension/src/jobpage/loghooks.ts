import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';

import type { IPanels } from '../tokens';
import { useConnected, useFollowing, useRedraw, useSignal } from './hooks';
import { LogCache } from './logcache';
import { indexAtOrAfter } from './logplaces';
import { LogSearch, type LogQuery } from './logsearch';

const PAUSE = 1_000;
/** Of the lines that a filter lets through, so many are looked for without being asked. */
const MOST_FOLLOWED = 20_000;
/** What is typed is looked for when nothing more was typed for so many milliseconds. */
const TYPING_PAUSE = 200;

/** The log of a replica, what is looked for in it, and what is shown of it. */
export interface Log {
  cache: LogCache;
  search: LogSearch;
  filter: LogSearch;
}

/** One log of a job; whoever shows it draws again as it changes. */
export function useLog(panels: IPanels, id: string, replica: string): Log {
  const [log] = useState<Log>(() => ({
    cache: new LogCache(panels.client, id, replica),
    search: new LogSearch(panels.client, id, replica),
    filter: new LogSearch(panels.client, id, replica)
  }));
  const redraw = useRedraw();
  useSignal(log.cache.changed, redraw);
  useSignal(log.search.changed, redraw);
  useSignal(log.filter.changed, redraw);
  return log;
}

/** Read what comes to a log while its job runs and somebody looks. */
export function useNewLines(panels: IPanels, { cache, search, filter }: Log, isLive: boolean, isSeen: boolean): void {
  const look = async (): Promise<boolean> => {
    const { total, beginnings } = cache;
    await cache.follow();
    if (cache.beginnings !== beginnings) {
      await Promise.all([search, filter].map(each => each.ask(each.query)));
    } else if (cache.total !== total) {
      await Promise.all([search, filter].map(each => (each.hasMore ? undefined : each.more())));
    }
    return cache.problem === null || cache.isGone;
  };
  useFollowing(look, PAUSE, { isSeen, isLive, isConnected: useConnected(panels.stream) });
}

/** Stay at the end while `change` changes; a reader who scrolls up wants to read, and at the end follows again. */
export function useFollow(
  scroller: RefObject<HTMLElement>,
  isFollowing: boolean,
  setFollowing: (isFollowing: boolean) => void,
  change: string
): void {
  useLayoutEffect(() => {
    if (isFollowing && scroller.current) {
      scroller.current.scrollTop = scroller.current.scrollHeight;
    }
  }, [isFollowing, change, scroller]);
  useEffect(() => {
    const element = scroller.current;
    let before = 0;
    const onScroll = (): void => {
      if (element && element.clientHeight > 0) {
        if (Math.abs(element.scrollTop - before) > 1) {
          setFollowing(isEnd(element));
        }
        before = element.scrollTop;
      }
    };
    element?.addEventListener('scroll', onScroll, { passive: true });
    return () => element?.removeEventListener('scroll', onScroll);
  }, [scroller, setFollowing]);
}

function isEnd(element: HTMLElement): boolean {
  return element.scrollTop + element.clientHeight >= element.scrollHeight - 2;
}

/** Who follows wants the end, also where a filter lets through only some of the lines. */
export function useFilteredEnd(filter: LogSearch, isFollowing: boolean): void {
  useEffect(() => {
    // What has failed is not asked again by itself: it would be at once, and again.
    const canAsk = filter.hasMore && !filter.isAsking && filter.problem === null;
    if (isFollowing && canAsk && filter.lines.length < MOST_FOLLOWED) {
      void filter.more();
    }
  });
}

/** What is looked for, and the ways from one place to the next. */
export interface Finding {
  query: LogQuery;
  ask: (query: LogQuery) => void;
  move: (by: number) => void;
}

/**
 * Look for a text and for a severity; the text is looked for among the lines of that severity.
 *
 * `current` is the line at which the reader is, `goTo` brings another one into sight.
 */
export function useFinding({ search, filter }: Log, current: number, goTo: (line: number) => void): Finding {
  const [query, setQuery] = useState<LogQuery>(search.query);
  useDelayed(query, TYPING_PAUSE, async wanted => {
    if (!isOther(wanted, search.query)) {
      return;
    }
    await search.ask(wanted.text ? wanted : { ...wanted, severity: '' });
    if (search.lines.length > 0) {
      goTo(search.lines[Math.min(indexAtOrAfter(search.lines, current), search.lines.length - 1)]!);
    }
  });
  const ask = (wanted: LogQuery): void => {
    setQuery(wanted);
    if (wanted.severity !== filter.query.severity) {
      void filter.ask({ text: '', severity: wanted.severity, isCaseSensitive: false });
    }
  };
  const move = async (by: number): Promise<void> => {
    const at = indexAtOrAfter(search.lines, current);
    const next = by > 0 && search.lines[at] !== current ? at : at + by;
    if (next >= search.lines.length && search.hasMore) {
      await search.more();
    }
    const count = search.lines.length;
    if (count > 0) {
      goTo(search.lines[(next + count) % count]!);
    }
  };
  return { query, ask, move: by => void move(by) };
}

function isOther(wanted: LogQuery, known: LogQuery): boolean {
  if (wanted.text === '') {
    return known.text !== '';
  }
  return (
    wanted.text !== known.text || wanted.severity !== known.severity || wanted.isCaseSensitive !== known.isCaseSensitive
  );
}

/** Call `run` for a value that has not changed for so many milliseconds. */
function useDelayed<T>(value: T, pause: number, run: (value: T) => Promise<void>): void {
  const newest = useRef(run);
  newest.current = run;
  useEffect(() => {
    const timer = window.setTimeout(() => void newest.current(value), pause);
    return () => window.clearTimeout(timer);
  }, [value, pause]);
}
