import { useMemo } from 'react';

import type { CellPlace } from '../tokens';
import type { Places } from './places';
import { plainLines, pythonLines } from './pythonwords';

export interface SourceViewProps {
  path: string;
  text: string;
  places: Places;
  onShowCell: (place: CellPlace) => void;
}

/** A file with its line numbers; lines that came from a cell lead there. */
export function SourceView({ path, text, places, onShowCell }: SourceViewProps) {
  const lines = useMemo(() => (path.endsWith('.py') ? pythonLines(text) : plainLines(text)), [path, text]);
  return (
    <div className="mlm-source" data-mlm="source" tabIndex={0} role="region" aria-label={path}>
      {lines.map((pieces, index) => (
        <div key={index} className="mlm-source-line">
          <LineNumber number={index + 1} place={places.ofLine(path, index + 1)} onShowCell={onShowCell} />
          <code>
            {pieces.map((piece, at) => (
              <span key={at} data-word={piece.word || undefined}>
                {piece.text}
              </span>
            ))}
          </code>
        </div>
      ))}
    </div>
  );
}

interface LineNumberProps {
  number: number;
  place: CellPlace | null;
  onShowCell: (place: CellPlace) => void;
}

function LineNumber({ number, place, onShowCell }: LineNumberProps) {
  if (!place) {
    return <span className="mlm-source-number">{number}</span>;
  }
  return (
    <button
      type="button"
      className="mlm-source-number mlm-page-link"
      // One stop for the keyboard in each line would be too many: the page's own link leads to the cell, too.
      tabIndex={-1}
      aria-label={`Line ${number}: show its cell`}
      title={`Line ${place.line} of a cell: show it`}
      onClick={() => onShowCell(place)}
    >
      {number}
    </button>
  );
}
