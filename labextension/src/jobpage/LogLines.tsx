import { useEffect, type CSSProperties, type RefObject } from 'react';

import { ProblemBox } from '../panel/Notice';
import type { CellPlace } from '../tokens';
import { LogLineView } from './LogLineView';
import { Empty } from './Notices';
import type { LineWindow } from './linewindow';
import type { LogCache } from './logcache';
import { indexAtOrAfter } from './logplaces';
import type { LogSearch } from './logsearch';
import type { Places } from './places';

export interface LogLinesProps {
  cache: LogCache;
  /** Which lines are shown; all while it is off. */
  filter: LogSearch;
  matches: LogSearch;
  view: LineWindow;
  current: number | null;
  scroller: RefObject<HTMLDivElement>;
  places: Places;
  onShowCell: (place: CellPlace) => void;
}

/** The lines in sight of a log of any length. */
export function LogLines(props: LogLinesProps) {
  const { cache, filter, matches, view, current, scroller } = props;
  const numbers = inSight(view, filter);
  const digits = String(cache.total).length;
  const wanted = numbers.join();
  useEffect(() => cache.want(numbers), [cache, wanted, cache.total]);
  return (
    <>
      <div
        className="mlm-log-scroller"
        data-mlm="log-lines"
        ref={scroller}
        tabIndex={0}
        role="region"
        aria-label={`Log of ${cache.replica}`}
      >
        <div className="mlm-log-whole" style={{ height: view.height }}>
          <div
            className="mlm-log-window"
            style={{ transform: `translateY(${view.top}px)`, '--mlm-digits': digits } as CSSProperties}
          >
            {numbers.map(number => (
              <LogLineView
                key={number}
                number={number}
                line={cache.line(number)}
                isMatch={matches.lines[indexAtOrAfter(matches.lines, number)] === number}
                isCurrent={number === current}
                places={props.places}
                onShowCell={props.onShowCell}
              />
            ))}
          </div>
        </div>
        <Nothing cache={cache} filter={filter} />
      </div>
      <Foot cache={cache} filter={filter} />
    </>
  );
}

function inSight(view: LineWindow, filter: LogSearch): number[] {
  if (filter.isOn) {
    return filter.lines.slice(view.first, view.end);
  }
  return Array.from({ length: Math.max(0, view.end - view.first) }, (_, index) => view.first + index);
}

function Nothing({ cache, filter }: { cache: LogCache; filter: LogSearch }) {
  const problem = cache.problem ?? filter.problem;
  if (problem) {
    return <ProblemBox problem={problem} onRetry={() => void Promise.all([cache.follow(), filter.more()])} />;
  }
  if (filter.isOn && filter.lines.length === 0) {
    return <Empty isLoading={filter.isAsking}>No line of this kind. Choose “All lines” to see everything.</Empty>;
  }
  return cache.total > 0 ? null : <Empty isLoading={!cache.isOpened}>This log is empty.</Empty>;
}

function Foot({ cache, filter }: { cache: LogCache; filter: LogSearch }) {
  if (!filter.isOn) {
    return null;
  }
  return (
    <div className="mlm-bar">
      <span className="mlm-faint" role="status">
        {`${filter.lines.length.toLocaleString()}${filter.hasMore ? '+' : ''} of ${cache.total.toLocaleString()} lines`}
      </span>
      {filter.hasMore && (
        <button type="button" className="mlm-button" disabled={filter.isAsking} onClick={() => void filter.more()}>
          {filter.isAsking ? 'Searching…' : 'More'}
        </button>
      )}
    </div>
  );
}
