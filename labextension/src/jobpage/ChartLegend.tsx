import type { Line, aligned } from './curvelines';

export interface ChartLegendProps {
  lines: readonly Line[];
  data: ReturnType<typeof aligned>;
  /** Where the cursor is, by the index of the place; null shows the last values. */
  at: number | null;
  hidden: ReadonlySet<string>;
  format: (value: number) => string;
  onToggle: (label: string) => void;
  /** A line is pointed at, or none any more. */
  onPoint: (label: string | null) => void;
}

/** The names of lines with their values under the cursor; a click hides one. */
export function ChartLegend({ lines, data, at, hidden, format, onToggle, onPoint }: ChartLegendProps) {
  return (
    <ul className="mlm-legend">
      {lines.map((line, index) => {
        if (line.isBehind) {
          return null;
        }
        const isSummed = at === null && line.summary !== undefined;
        const value = valueAt(data[index + 1] as readonly (number | null | undefined)[], at);
        return (
          <li key={line.label}>
            <button
              type="button"
              className="mlm-legend-item"
              aria-pressed={!hidden.has(line.label)}
              title={hidden.has(line.label) ? 'Show' : 'Hide'}
              onClick={() => onToggle(line.label)}
              onPointerEnter={() => onPoint(line.label)}
              onPointerLeave={() => onPoint(null)}
              onFocus={() => onPoint(line.label)}
              onBlur={() => onPoint(null)}
            >
              <span
                className="mlm-legend-sign"
                data-dashed={line.isDashed || undefined}
                style={{ borderTopColor: `var(${line.colour})` }}
              />
              <span className="mlm-legend-name">{line.label}</span>
              <span className="mlm-legend-value">{isSummed ? line.summary : value === null ? '—' : format(value)}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** The value at a place, or the last before it. */
function valueAt(row: readonly (number | null | undefined)[], at: number | null): number | null {
  for (let index = Math.min(at ?? row.length - 1, row.length - 1); index >= 0; index--) {
    const value = row[index];
    if (value !== null && value !== undefined) {
      return value;
    }
  }
  return null;
}
