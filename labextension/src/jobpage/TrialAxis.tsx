import type { KeyboardEvent } from 'react';

import { plain } from '../panel/formats';
import type { Axis } from './trialaxes';
import { yOf, type Layout } from './trialplaces';

/** An end of what was chosen on an axis. */
export type End = 0 | 1;
export type Range = readonly [number, number];

export interface TrialAxisProps {
  axis: Axis;
  at: number;
  layout: Layout;
  /** Below its name, such as which way it is better. */
  note: string;
  brush: Range | undefined;
  /** Its ends are those that the keyboard reaches. */
  isReached: boolean;
  onReach: (at: number) => void;
  onBrush: (at: number, range: Range | null) => void;
}

const WHOLE: Range = [0, 1];
/** How wide what is chosen is drawn, in pixels. */
const WIDTH = 14;
const CHARACTER = 6.3;
const BOLD_CHARACTER = 7.4;
const FARTHER = 5;

/** An axis with its name and values, and what of it was chosen: two ends that keys move. */
export function TrialAxis({ axis, at, layout, note, brush, isReached, onReach, onBrush }: TrialAxisProps) {
  const x = layout.xs[at]!;
  const [low, high] = (brush ?? WHOLE).map(place => yOf(layout, place)) as [number, number];
  const isLast = at === layout.xs.length - 1;
  const room = isLast ? layout.width - x : layout.gap;
  const most = Math.floor(room / CHARACTER) - 1;
  return (
    <g className="mlm-trials-axis" data-mlm="trials-axis" data-axis={axis.name} transform={`translate(${x} 0)`}>
      <text y={12} className="mlm-trials-name">
        <Shortened text={axis.name} most={Math.floor(room / BOLD_CHARACTER)} />
      </text>
      <text y={24} className="mlm-trials-tick">
        <Shortened text={note} most={most} />
      </text>
      <line y1={layout.top} y2={layout.bottom} className="mlm-trials-line" />
      {axis.ticks.map(({ place, text }) => (
        <g key={place} transform={`translate(0 ${yOf(layout, place)})`}>
          <line x2={4} className="mlm-trials-line" />
          <text x={7} y={4} className="mlm-trials-tick">
            <Shortened text={text} most={most - 1} />
          </text>
        </g>
      ))}
      <rect
        className="mlm-trials-reach"
        x={-WIDTH}
        y={layout.top - 6}
        width={2 * WIDTH}
        height={layout.bottom - layout.top + 12}
      />
      {brush && <rect className="mlm-trials-brush" x={-WIDTH / 2} y={high} width={WIDTH} height={low - high} />}
      {([0, 1] as const).map(end => (
        <Handle
          key={end}
          {...{ axis, at, end, layout, isReached, onReach, onBrush }}
          range={brush ?? WHOLE}
          isShown={brush !== undefined}
        />
      ))}
    </g>
  );
}

interface HandleProps extends Pick<TrialAxisProps, 'axis' | 'at' | 'layout' | 'isReached' | 'onReach' | 'onBrush'> {
  end: End;
  range: Range;
  isShown: boolean;
}

function Handle({ axis, at, end, layout, range, isShown, isReached, onReach, onBrush }: HandleProps) {
  const place = range[end];
  const onKey = (event: KeyboardEvent<SVGElement>): void => {
    const beside = { ArrowLeft: at - 1, ArrowRight: at + 1 }[event.key];
    if (beside !== undefined) {
      handleOf(event.currentTarget, beside, end)?.focus();
    } else if (event.key === 'Escape' || event.key === 'Delete') {
      onBrush(at, null);
    } else {
      const next = movedTo(event.key, place, axis.step);
      if (next === null) {
        return;
      }
      const moved: Range = end === 0 ? [Math.min(next, range[1]), range[1]] : [range[0], Math.max(next, range[0])];
      onBrush(at, moved[0] <= 0 && moved[1] >= 1 ? null : moved);
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <rect
      className="mlm-trials-handle"
      data-mlm="trials-handle"
      data-at={at}
      data-end={end}
      data-shown={isShown || undefined}
      x={-WIDTH / 2 - 2}
      y={yOf(layout, place) - 3}
      width={WIDTH + 4}
      height={6}
      tabIndex={isReached ? 0 : -1}
      role="slider"
      aria-orientation="vertical"
      aria-label={`${axis.name}, ${end === 0 ? 'from' : 'to'}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * place)}
      aria-valuetext={axis.textAt(place)}
      onKeyDown={onKey}
      onFocus={() => onReach(at)}
    />
  );
}

function movedTo(key: string, place: number, step: number): number | null {
  const count = { ArrowUp: 1, ArrowDown: -1, PageUp: FARTHER, PageDown: -FARTHER, Home: -Infinity, End: Infinity }[key];
  // From wherever a pointer has left it, keys go to what the axis can tell apart.
  return count === undefined ? null : Math.min(1, Math.max(0, (Math.round(place / step) + count) * step));
}

function handleOf(handle: SVGElement, at: number, end: End): SVGElement | null {
  return handle.ownerSVGElement?.querySelector(`[data-at='${at}'][data-end='${end}']`) ?? null;
}

/** A text within so many characters; who points at it sees all of it. */
function Shortened({ text, most }: { text: string; most: number }) {
  const shown = shortened(plain(text), most);
  return (
    <>
      {shown}
      {shown !== text && <title>{text}</title>}
    </>
  );
}

/** Of long names the end tells them apart, too. */
function shortened(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most || most < 3) {
    return characters.slice(0, Math.max(most, 3)).join('');
  }
  const tail = Math.floor(most / 3);
  return `${characters.slice(0, most - tail - 1).join('')}…${tail > 0 ? characters.slice(-tail).join('') : ''}`;
}
