import 'uplot/dist/uPlot.min.css';
import { useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import uPlot from 'uplot';

import { ChartLegend } from './ChartLegend';
import { optionsOf, xText, type ChartLook } from './chartoptions';
import { aligned } from './curvelines';
import { useTheme } from './hooks';

export interface ChartProps extends ChartLook {
  title: string;
  height: number;
  /** Another number shows all of it again. */
  resets: number;
  onZoom?: () => void;
  /** For tests. */
  mark: string;
}

type Drawn = ReturnType<typeof aligned>;

/** A chart that is drawn again as points come, and keeps what the reader has zoomed to. */
export function Chart(props: ChartProps) {
  const { title, lines, across, isLog, isFromZero, height, resets, mark } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isZoomed = useRef(false);
  const [at, setAt] = useState<number | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const theme = useTheme();
  const data = aligned(lines, isLog);
  const shape = JSON.stringify([
    lines.map(line => ({ ...line, xs: line.xs.length > 40, ys: 0 })),
    across,
    isLog,
    isFromZero
  ]);

  useLayoutEffect(() => {
    const range = isZoomed.current && plot.current ? { ...plot.current.scales.x } : null;
    const made = draw(host.current!, props, data, { onPlace: setAt, onZoom: zoomed => noteZoom(zoomed) });
    plot.current = made;
    lines.forEach((line, index) => made.setSeries(index + 1, { show: !hidden.has(line.label) }));
    if (range?.min !== undefined && range.max !== undefined) {
      made.setScale('x', { min: range.min, max: range.max });
    }
    return () => made.destroy();
  }, [shape, theme]);
  useLayoutEffect(() => setData(plot.current!, data, isZoomed.current), [lines]);
  useLayoutEffect(() => {
    isZoomed.current = false;
    plot.current?.setData(plot.current.data);
  }, [resets, across]);
  useLayoutEffect(() => fit(host.current!, () => plot.current, height), [height]);

  const noteZoom = (zoomed: boolean): void => {
    isZoomed.current = zoomed;
    if (zoomed) {
      props.onZoom?.();
    }
  };
  const toggle = (label: string): void => {
    const next = new Set(hidden);
    const isHidden = !next.delete(label);
    if (isHidden) {
      next.add(label);
    }
    setHidden(next);
    lines.forEach((line, index) => line.label === label && plot.current?.setSeries(index + 1, { show: !isHidden }));
  };
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
        aria-label={inWords(props)}
        onKeyDown={event => movePlace(event, plot.current)}
      />
      <ChartLegend lines={lines} data={data} at={at} hidden={hidden} format={props.format} onToggle={toggle} />
    </figure>
  );
}

interface Told {
  onPlace: (at: number | null) => void;
  onZoom: (isZoomed: boolean) => void;
}

function draw(host: HTMLElement, look: ChartProps, data: Drawn, { onPlace, onZoom }: Told): uPlot {
  const options = optionsOf(look, host, { width: Math.max(host.clientWidth, 60), height: look.height });
  options.hooks = {
    setCursor: [plot => onPlace(plot.cursor.idx ?? null)],
    setSelect: [plot => plot.select.width > 0 && onZoom(true)]
  };
  options.cursor!.bind = {
    dblclick: (_plot, _target, reset) => event => {
      onZoom(false);
      return reset(event);
    }
  };
  return new uPlot(options, data as uPlot.AlignedData, host);
}

function setData(plot: uPlot, data: Drawn, isZoomed: boolean): void {
  const { min, max } = plot.scales.x!;
  plot.setData(data as uPlot.AlignedData, !isZoomed);
  if (isZoomed && min !== undefined && max !== undefined) {
    plot.setScale('x', { min, max });
  }
}

/** Keep a plot as wide as there is room. */
function fit(host: HTMLElement, plot: () => uPlot | null, height: number): () => void {
  const observer = new ResizeObserver(() => {
    if (host.clientWidth > 0) {
      plot()?.setSize({ width: host.clientWidth, height });
    }
  });
  observer.observe(host);
  return () => observer.disconnect();
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

function inWords({ title, lines, format, across }: ChartProps): string {
  const told = lines
    .filter(line => !line.isBehind)
    .map(line => {
      const known = line.ys.filter(Number.isFinite);
      const last = line.xs.at(-1);
      if (known.length === 0 || last === undefined) {
        return `${line.label}: no values`;
      }
      const [low, high] = [Math.min(...known), Math.max(...known)].map(format);
      return `${line.label}: ${format(known.at(-1)!)} at ${xText(last, across)}, from ${low} to ${high}`;
    });
  return `${title}. ${told.join('. ')}. Arrow keys move along it.`;
}
