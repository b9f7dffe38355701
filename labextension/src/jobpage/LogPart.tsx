import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type RefObject } from 'react';

import { asProblem } from '../client';
import { ProblemBox } from '../panel/Notice';
import type { CellPlace, IPanels } from '../tokens';
import type { LogSource, Problem } from '../types';
import { LogLines } from './LogLines';
import { LogToolbar } from './LogToolbar';
import { Empty } from './Notices';
import { useConnected, useOnScreen, usePolling, useRedraw, useSignal } from './hooks';
import { useLineWindow } from './linewindow';
import { LogCache } from './logcache';
import { indexAtOrAfter, placeIn } from './logplaces';
import { LogSearch, type LogQuery } from './logsearch';
import type { Places } from './places';

export interface LogPartProps {
  panels: IPanels;
  id: string;
  /** Lines may still come. */
  isLive: boolean;
  places: Places;
}

const PAUSE = 1_000;

/** The logs of a job: one for each replica. */
export function LogPart(props: LogPartProps) {
  const { panels, id, isLive } = props;
  const host = useRef<HTMLDivElement>(null);
  const isSeen = useOnScreen(host);
  const [sources, setSources] = useState<LogSource[] | null>(null);
  const [chosen, setChosen] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const isConnected = useConnected(panels.stream);
  const look = async (): Promise<boolean> => {
    try {
      setSources(await panels.client.logs(id));
      setProblem(null);
      return true;
    } catch (error) {
      setProblem(asProblem(error));
      return false;
    }
  };
  const isWaiting = (sources?.length ?? 0) === 0;
  // Replicas are known as soon as the first has printed, but for those of another attempt.
  usePolling(look, isWaiting ? PAUSE : 10 * PAUSE, isSeen && (isLive || isWaiting), isConnected);
  const replica = sources?.some(source => source.replica === chosen) ? chosen : (sources?.[0]?.replica ?? '');
  return (
    <div className="mlm-page-part mlm-log" ref={host}>
      {replica ? (
        <ReplicaLog
          {...props}
          key={replica}
          sources={sources!}
          replica={replica}
          onReplica={setChosen}
          isSeen={isSeen}
        />
      ) : problem ? (
        <ProblemBox problem={problem} onRetry={() => void look()} />
      ) : (
        <Empty isLoading={sources === null}>
          {isLive
            ? 'The job has not printed anything yet. Lines appear here as they come.'
            : 'The job printed nothing.'}
        </Empty>
      )}
    </div>
  );
}

interface ReplicaLogProps extends LogPartProps {
  sources: readonly LogSource[];
  replica: string;
  onReplica: (replica: string) => void;
  isSeen: boolean;
}

function ReplicaLog(props: ReplicaLogProps) {
  const { panels, id, replica, isLive, isSeen } = props;
  const [cache] = useState(() => new LogCache(panels.client, id, replica));
  const [search] = useState(() => new LogSearch(panels.client, id, replica));
  const [filter] = useState(() => new LogSearch(panels.client, id, replica));
  const [query, setQuery] = useState<LogQuery>(search.query);
  const [current, setCurrent] = useState<number | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const scroller = useRef<HTMLDivElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const redraw = useRedraw();
  useSignal(cache.changed, redraw);
  useSignal(search.changed, redraw);
  useSignal(filter.changed, redraw);

  const shown = filter.isOn ? filter.lines : null;
  const view = useLineWindow(scroller, shown ? shown.length : cache.total);
  useFollow(scroller, isFollowing, setFollowing, `${view.height} ${isSeen}`);
  usePolling(
    async () => {
      const before = cache.total;
      await cache.follow();
      if (cache.total !== before) {
        await Promise.all([search, filter].map(each => (each.hasMore ? undefined : each.more())));
      }
      return cache.problem === null;
    },
    PAUSE,
    isSeen && (isLive || !cache.isOpened),
    useConnected(panels.stream)
  );
  useLastLook(cache, isLive);

  const goTo = (number: number): void => {
    setFollowing(false);
    setCurrent(number);
    view.scrollTo(placeIn(shown, number), 'nearest');
  };
  const ask = async (wanted: LogQuery): Promise<void> => {
    setQuery(wanted);
    if (wanted.severity !== filter.query.severity) {
      setCurrent(null);
      await filter.ask({ text: '', severity: wanted.severity, isCaseSensitive: false });
    }
  };
  useDelayed(query, 200, async wanted => {
    if (wanted.text === search.query.text && sameKind(wanted, search.query)) {
      return;
    }
    const from = current ?? (shown ? shown[view.shown] : view.shown) ?? 0;
    await search.ask(wanted.text ? wanted : { ...wanted, severity: '' });
    const at = indexAtOrAfter(search.lines, from);
    if (search.lines.length > 0) {
      goTo(search.lines[Math.min(at, search.lines.length - 1)]!);
    }
  });
  const move = async (by: number): Promise<void> => {
    const at = current === null ? -1 : indexAtOrAfter(search.lines, current);
    if (by > 0 && at + by >= search.lines.length && search.hasMore) {
      await search.more();
    }
    const count = search.lines.length;
    if (count > 0) {
      goTo(search.lines[(at + by + count) % count]!);
    }
  };
  const showCell = useCallback((place: CellPlace) => panels.showCell(place), [panels]);

  return (
    <div className="mlm-log" onKeyDown={event => focusOnFind(event, searchBox.current)}>
      <LogToolbar
        sources={props.sources}
        replica={replica}
        onReplica={props.onReplica}
        query={query}
        onQuery={wanted => void ask(wanted)}
        found={foundText(search, current)}
        onMove={by => void move(by)}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        onGo={line => goTo(Math.min(Math.max(0, line - 1), Math.max(0, cache.total - 1)))}
        searchBox={searchBox}
      />
      <LogLines
        cache={cache}
        filter={filter}
        matches={search}
        view={view}
        current={current}
        scroller={scroller}
        places={props.places}
        onShowCell={showCell}
      />
    </div>
  );
}

function sameKind(one: LogQuery, other: LogQuery): boolean {
  return one.isCaseSensitive === other.isCaseSensitive && (one.text === '' || one.severity === other.severity);
}

/** Stay at the end while `change` changes; a reader who scrolls up wants to read, and at the end follows again. */
function useFollow(
  scroller: RefObject<HTMLElement>,
  isFollowing: boolean,
  setFollowing: (isFollowing: boolean) => void,
  change: string
): void {
  useEffect(() => {
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

/** What came between the last look and the end of the job is read, too. */
function useLastLook(cache: LogCache, isLive: boolean): void {
  const wasLive = useRef(isLive);
  useEffect(() => {
    if (wasLive.current && !isLive) {
      void cache.follow();
    }
    wasLive.current = isLive;
  }, [cache, isLive]);
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

/** The browser's own search would find what is in sight alone. */
function focusOnFind(event: KeyboardEvent, box: HTMLInputElement | null): void {
  if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
    event.preventDefault();
    event.stopPropagation();
    box?.focus();
    box?.select();
  }
}

function foundText(search: LogSearch, current: number | null): string {
  if (search.problem) {
    return search.problem.message;
  }
  if (!search.isOn) {
    return '';
  }
  if (search.lines.length === 0) {
    return search.isAsking ? 'Searching…' : 'Not found';
  }
  const count = `${search.lines.length.toLocaleString()}${search.hasMore ? '+' : ''}`;
  const at = current === null ? -1 : search.lines.indexOf(current);
  return at < 0 ? `${count} lines` : `${(at + 1).toLocaleString()} of ${count}`;
}
