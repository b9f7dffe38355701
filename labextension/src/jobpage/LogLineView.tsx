import { memo, useLayoutEffect, useRef } from 'react';

import type { CellPlace } from '../tokens';
import type { LogLine } from '../types';
import { lineHtml } from './ansi';
import { linkMentions, type Places } from './places';

export interface LogLineProps {
  /** From 0. */
  number: number;
  /** Undefined while it is not read. */
  line: LogLine | undefined;
  isMatch: boolean;
  isCurrent: boolean;
  places: Places;
  onShowCell: (place: CellPlace) => void;
}

/** One line of a log: its number, its text in colours, links to the cells that it mentions. */
export const LogLineView = memo(function LogLineView(props: LogLineProps) {
  const { number, line, isMatch, isCurrent, places, onShowCell } = props;
  return (
    <div
      className="mlm-log-line"
      data-mlm="log-line"
      data-line={number + 1}
      data-severity={line?.severity}
      data-match={isMatch || undefined}
      aria-current={isCurrent || undefined}
    >
      <span className="mlm-log-number" aria-hidden="true">
        {number + 1}
      </span>
      {line ? (
        <LogText text={line.text} places={places} onShowCell={onShowCell} />
      ) : (
        <span className="mlm-faint">…</span>
      )}
      {line?.isCut && (
        <span
          className="mlm-log-cut"
          title="The line goes on: its beginning is shown, the file of the log has all of it."
        >
          … ✂ cut
        </span>
      )}
    </div>
  );
});

function LogText(props: { text: string; places: Places; onShowCell: (place: CellPlace) => void }) {
  const { text, places, onShowCell } = props;
  const host = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (host.current) {
      // `lineHtml` escapes all that was printed.
      host.current.innerHTML = lineHtml(text);
      linkMentions(host.current, places, onShowCell);
    }
  }, [text, places, onShowCell]);
  return <span className="mlm-log-text" ref={host} />;
}
