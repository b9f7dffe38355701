import 'uplot/dist/uPlot.min.css';
import { useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react';
import uPlot from 'uplot';

import { optionsOf, type ChartLook } from './chartoptions';
import { aligned } from './curvelines';
import { useTheme } from './hooks';

export interface PlotLook extends ChartLook {
  /** In pixels. */
  height: number;
  /** Another number shows all of it again. */
  resets: number;
  onZoom?: () => void;
}

export interface Plot {
  plot: RefObject<uPlot>;
  data: Drawn;
  /** Where the cursor is, by the index of the place. */
  at: number | null;
  /** The names of lines that are not drawn. */
  hidden: ReadonlySet<string>;
  toggle: (label: string) => void;
  /** Let one line stand out; null lets none. */
  point: (label: string | null) => void;
}

type Drawn = ReturnType<typeof aligned>;

/** A plot in an element: drawn anew where its lines or the theme are others, else given the points that came. */
export function usePlot(host: RefObject<HTMLElement>, look: PlotLook): Plot {
  const { lines, across, isLog, height, resets } = look;
  const plot = useRef<uPlot | null>(null);
  const isZoomed = useRef(false);
  const [at, setAt] = useState<number | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  // The cursor moves often, and each time all charts of a group are drawn again.
  const data = useMemo(() => aligned(lines, isLog), [lines, isLog]);
  const noteZoom = (zoomed: boolean): void => {
    isZoomed.current = zoomed;
    if (zoomed) {
      look.onZoom?.();
    }
  };
  useLayoutEffect(() => {
    const range = isZoomed.current && plot.current ? { ...plot.current.scales.x } : null;
    const made = draw(host.current!, look, data, { onPlace: setAt, onZoom: noteZoom });
    plot.current = made;
    lines.forEach((line, index) => made.setSeries(index + 1, { show: !hidden.has(line.label) }));
    if (range?.min !== undefined && range.max !== undefined) {
      made.setScale('x', { min: range.min, max: range.max });
    }
    return () => made.destroy();
  }, [shapeOf(look), useTheme()]);
  useLayoutEffect(() => setData(plot.current!, data, isZoomed.current), [data]);
  useLayoutEffect(() => {
    isZoomed.current = false;
    plot.current?.setData(plot.current.data);
  }, [resets, across]);
  useLayoutEffect(() => fit(host.current!, () => plot.current, height), [height]);
  const toggle = (label: string): void => {
    const next = new Set(hidden);
    const isShown = next.delete(label);
    setHidden(isShown ? next : next.add(label));
    lines.forEach((line, index) => line.label === label && plot.current?.setSeries(index + 1, { show: isShown }));
  };
  const point = (label: string | null): void => {
    const index = lines.findIndex(line => line.label === label && !line.isBehind);
    plot.current?.setSeries(index < 0 ? null : index + 1, { focus: true });
  };
  return { plot, data, at, hidden, toggle, point };
}

/** What a plot is made of, but for its points. */
function shapeOf({ lines, across, isLog, isFromZero }: PlotLook): string {
  const looks = lines.map(line => [line.label, line.colour, line.isDashed, line.isBehind, line.xs.length === 1]);
  return JSON.stringify([looks, across, isLog, isFromZero]);
}

interface Told {
  onPlace: (at: number | null) => void;
  onZoom: (isZoomed: boolean) => void;
}

function draw(host: HTMLElement, look: PlotLook, data: Drawn, { onPlace, onZoom }: Told): uPlot {
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
