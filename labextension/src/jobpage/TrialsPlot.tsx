import { memo, useId, useLayoutEffect, useMemo, useRef, useState, type PointerEvent } from 'react';

import { TrialAxis, type Range } from './TrialAxis';
import { SHADES, type Brushes, type TrialLine, type TrialLines } from './triallines';
import { axisAt, layoutOf, nearest, pathOf, placeAt, yOf, type Layout } from './trialplaces';

export interface TrialsPlotProps {
  data: TrialLines;
  brushes: Brushes;
  onBrush: (at: number, range: Range | null) => void;
  /** Numbers of the trials that lie within what is chosen. */
  passing: ReadonlySet<number>;
  /** The trial that stands out. */
  pointed: number | null;
  onPoint: (trial: number | null) => void;
  onPick: (trial: number) => void;
}

/** Around an axis, what belongs to it, in pixels. */
const REACH = 14;
/** Who moves less has pressed, not drawn. */
const STILL = 4;
const FEW = 60;

/** Trials as lines across their parameters and what came of them; along an axis some of them can be chosen. */
export function TrialsPlot(props: TrialsPlotProps) {
  const { data, brushes, onBrush, passing, pointed, onPoint, onPick } = props;
  const hint = useId();
  const [host, room] = useRoom();
  const layout = useMemo(() => layoutOf(room, data.axes.length), [room, data.axes.length]);
  const [reached, reach] = useState(0);
  const shown = useMemo(() => data.lines.filter(line => passing.has(line.number)), [data, passing]);
  const drawing = useDrawing(layout, onBrush);
  const at = data.lines.find(line => line.number === pointed);
  const find = (event: PointerEvent): TrialLine | null => nearest(layout, shown, ...placeOf(event));
  return (
    <div className="mlm-trials-plot" ref={host}>
      <Lines lines={data.lines} layout={layout} passing={passing} />
      <svg
        width={layout.width}
        height={layout.height}
        data-mlm="trials-plot"
        role="group"
        aria-label={`Trials across ${data.axes.map(axis => axis.name).join(', ')}. The table tells the same.`}
        aria-describedby={hint}
        onPointerDown={drawing.begin}
        onPointerMove={event => (drawing.isOn() ? drawing.move(event) : onPoint(find(event)?.number ?? null))}
        onPointerUp={event => {
          const line = drawing.end(event) ? null : find(event);
          if (line) {
            onPick(line.number);
          }
        }}
        onPointerCancel={drawing.end}
        onPointerLeave={() => onPoint(null)}
      >
        {at && <path className="mlm-trials-pointed" data-mlm="trials-pointed" d={pathOf(layout, at)} />}
        <Scale layout={layout} goal={data.goal} />
        {data.axes.map((axis, index) => (
          <TrialAxis
            key={index}
            axis={axis}
            at={index}
            layout={layout}
            note={index < data.axes.length - 1 ? '' : data.goal === 'MAXIMIZE' ? '▲ better' : '▼ better'}
            brush={brushes.get(index)}
            isReached={index === Math.min(reached, data.axes.length - 1)}
            onReach={reach}
            onBrush={onBrush}
          />
        ))}
      </svg>
      <span id={hint} className="mlm-spoken">
        Up and down move an end of what is chosen on an axis, left and right lead to the next axis, Escape chooses all
        of it.
      </span>
    </div>
  );
}

interface LinesProps {
  lines: readonly TrialLine[];
  layout: Layout;
  passing: ReadonlySet<number>;
}

/** They are a picture of their own: none of them is drawn again while one is pointed at. */
const Lines = memo(function Lines({ lines, layout, passing }: LinesProps) {
  const best = lines.find(line => line.isBest);
  const top = best?.places.at(-1);
  return (
    <svg
      className="mlm-trials-lines"
      width={layout.width}
      height={layout.height}
      data-few={lines.length <= FEW || undefined}
      aria-hidden="true"
    >
      {lines.map(line => (
        <path
          key={line.number}
          className="mlm-trials-trial"
          data-mlm="trials-line"
          data-trial={line.number}
          data-shade={line.shade}
          data-best={line.isBest || undefined}
          data-out={!passing.has(line.number) || undefined}
          d={pathOf(layout, line)}
        />
      ))}
      {top !== undefined && (
        <text className="mlm-trials-best" x={layout.xs.at(-1)! - 8} y={yOf(layout, top) - 4} textAnchor="end">
          ★
        </text>
      )}
    </svg>
  );
});

/** The colours of results, along their axis. */
function Scale({ layout, goal }: { layout: Layout; goal: TrialLines['goal'] }) {
  const height = (layout.bottom - layout.top) / SHADES;
  return (
    <g aria-hidden="true" transform={`translate(${layout.xs.at(-1)! - 2} ${layout.top})`}>
      {Array.from({ length: SHADES }, (_, step) => (
        <rect
          key={step}
          className="mlm-trials-scale"
          data-shade={goal === 'MAXIMIZE' ? SHADES - 1 - step : step}
          y={step * height}
          width={4}
          height={height}
        />
      ))}
    </g>
  );
}

/** What is drawn along an axis by a pointer; pressed without a movement, the axis is free again. */
function useDrawing(layout: Layout, onBrush: TrialsPlotProps['onBrush']) {
  const drawn = useRef<{ at: number; from: number } | null>(null);
  return {
    isOn: () => drawn.current !== null,
    begin: (event: PointerEvent<SVGSVGElement>): void => {
      const [x, y] = placeOf(event);
      const at = axisAt(layout, x, REACH);
      if (at !== null && event.button === 0) {
        drawn.current = { at, from: y };
        event.currentTarget.setPointerCapture(event.pointerId);
      }
    },
    move: (event: PointerEvent<SVGSVGElement>): void => {
      const { at, from } = drawn.current!;
      const [, y] = placeOf(event);
      if (Math.abs(y - from) >= STILL) {
        onBrush(at, [placeAt(layout, Math.max(from, y)), placeAt(layout, Math.min(from, y))]);
      }
    },
    /** Whether something was drawn. */
    end: (event: PointerEvent<SVGSVGElement>): boolean => {
      const was = drawn.current;
      drawn.current = null;
      if (was && Math.abs(placeOf(event)[1] - was.from) < STILL) {
        onBrush(was.at, null);
      }
      return was !== null;
    }
  };
}

/** Where a pointer is in the picture. */
function placeOf(event: PointerEvent): [number, number] {
  const svg = (event.currentTarget as SVGElement).ownerSVGElement ?? event.currentTarget;
  const { left, top } = svg.getBoundingClientRect();
  return [event.clientX - left, event.clientY - top];
}

function useRoom() {
  const host = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => {
      // Of an element that is hidden it is 0, and comes back as it was.
      if (host.current && host.current.clientWidth > 0) {
        setRoom(host.current.clientWidth);
      }
    });
    observer.observe(host.current!);
    setRoom(host.current!.clientWidth);
    return () => observer.disconnect();
  }, []);
  return [host, room] as const;
}
