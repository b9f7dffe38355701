import { useMemo, useRef, type KeyboardEvent } from 'react';
import type uPlot from 'uplot';

import { ChartLegend } from './ChartLegend';
import { xText } from './chartoptions';
import { extent, type Across, type Line } from './curvelines';
import { usePlot, type PlotLook } from './plot';

export interface ChartProps extends PlotLook {
  title: string;
  /** What tests know it by. */
  mark: string;
}

/** A chart that is drawn again as points come, and keeps what the reader has zoomed to. */
export function Chart(props: ChartProps) {
  const { title, lines, across, format, height, mark } = props;
  const host = useRef<HTMLDivElement>(null);
  const { plot, data, at, hidden, toggle, point } = usePlot(host, props);
  const words = useMemo(() => inWords(title, lines, across, format), [title, lines, across, format]);
  const place = at === null || data[0][at] === undefined ? null : xText(data[0][at], across);
  return (
    <figure className="mlm-chart" data-mlm={mark} data-name={title}>
      <figcaption className="mlm-chart-title">
        {title} <span className="mlm-faint">{place && `at ${across === 'step' ? 'step ' : ''}${place}`}</span>
      </figcaption>
      <div
        ref={host}
        className="mlm-chart-plot"
        style={{ height }}
        tabIndex={0}
        role="img"
        aria-label={words}
        onKeyDown={event => movePlace(event, plot.current)}
      />
      <ChartLegend
        lines={lines}
        data={data}
        at={at}
        hidden={hidden}
        format={format}
        onToggle={toggle}
        onPoint={point}
      />
    </figure>
  );
}

/** The values under the cursor can be had by arrow keys as well. */
function movePlace(event: KeyboardEvent, plot: uPlot | null): void {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && plot) {
    event.preventDefault();
    const last = plot.data[0].length - 1;
    const at = Math.min(last, Math.max(0, (plot.cursor.idx ?? (by > 0 ? -1 : last + 1)) + by));
    plot.setCursor({ left: plot.valToPos(plot.data[0][at]!, 'x'), top: plot.bbox.height / 2 / devicePixelRatio });
  }
}

function inWords(title: string, lines: readonly Line[], across: Across, format: ChartProps['format']): string {
  const told = lines
    .filter(line => !line.isBehind)
    .map(line => {
      const known = line.ys.filter(Number.isFinite);
      const last = line.xs.at(-1);
      if (known.length === 0 || last === undefined) {
        return `${line.label}: no values`;
      }
      const { low, high } = extent(known);
      return `${line.label}: ${format(known.at(-1)!)} at ${xText(last, across)}, from ${format(low)} to ${format(high)}`;
    });
  return `${title}. ${told.join('. ')}. Arrow keys move along it.`;
}
