import { useCallback, useRef, useState, type KeyboardEvent } from 'react';

import type { CellPlace, IPanels } from '../tokens';
import type { LogSource } from '../types';
import { LogLines } from './LogLines';
import { LogToolbar } from './LogToolbar';
import { useLineWindow } from './linewindow';
import { useFilteredEnd, useFinding, useFollow, useLog, useNewLines } from './loghooks';
import { placeIn } from './logplaces';
import type { LogSearch } from './logsearch';
import type { Places } from './places';

export interface ReplicaLogProps {
  panels: IPanels;
  id: string;
  isLive: boolean;
  isSeen: boolean;
  places: Places;
  sources: readonly LogSource[];
  replica: string;
  onReplica: (replica: string) => void;
}

/** The log of one replica, from its end. */
export function ReplicaLog({ panels, id, replica, isLive, isSeen, places, sources, onReplica }: ReplicaLogProps) {
  const log = useLog(panels, id, replica);
  const { cache, search, filter } = log;
  const [current, setCurrent] = useState<number | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const scroller = useRef<HTMLDivElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const shown = filter.isOn ? filter.lines : null;
  const view = useLineWindow(scroller, shown ? shown.length : cache.total, isFollowing);
  useFollow(scroller, isFollowing, setFollowing, `${view.height} ${isSeen}`);
  useNewLines(panels, log, isLive, isSeen);
  useFilteredEnd(filter, isFollowing);
  const goTo = (number: number): void => {
    setFollowing(false);
    setCurrent(number);
    view.scrollTo(placeIn(shown, number), 'nearest');
  };
  const first = shown ? shown[view.shown] : view.shown;
  const { query, ask, move } = useFinding(log, current ?? first ?? 0, goTo);
  const showCell = useCallback((place: CellPlace) => panels.showCell(place), [panels]);
  return (
    <div className="mlm-log" onKeyDown={event => focusOnFind(event, searchBox.current)}>
      <LogToolbar
        sources={sources}
        replica={replica}
        onReplica={onReplica}
        query={query}
        onQuery={ask}
        found={foundText(search, current)}
        onMove={move}
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
        places={places}
        onShowCell={showCell}
      />
    </div>
  );
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
  return at < 0 ? `${count} ${count === '1' ? 'line' : 'lines'}` : `${(at + 1).toLocaleString()} of ${count}`;
}
