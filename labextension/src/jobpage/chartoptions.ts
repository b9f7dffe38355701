import type uPlot from 'uplot';

import { clock, duration } from '../panel/formats';
import type { Across, Line } from './curvelines';

export interface ChartLook {
  lines: readonly Line[];
  across: Across;
  isLog: boolean;
  /** The axis begins at 0, and reaches at least to the lines that are limits. */
  isFromZero: boolean;
  format: (value: number) => string;
  /** What the values are: an axis of bytes has its marks at powers of two. */
  kind: 'number' | 'bytes';
  /** Charts of one group show the same place at once. */
  group: string;
}

const AXIS_SIZE = 30;
const LABEL_SIZE = 62;
const DASHES = [6, 4];
const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);
const marks = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const powers = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3, notation: 'scientific' });

/** What uPlot is told of a chart; its colours are those of the theme at this moment. */
export function optionsOf(look: ChartLook, host: Element, size: { width: number; height: number }): uPlot.Options {
  const style = getComputedStyle(host);
  const colour = (name: string): string => style.getPropertyValue(name).trim() || style.color;
  const font = `11px ${style.fontFamily}`;
  const axis = {
    stroke: colour('--jp-ui-font-color2'),
    font,
    grid: { stroke: colour('--jp-border-color3'), width: 1 },
    ticks: { stroke: colour('--jp-border-color2'), width: 1, size: 4 }
  };
  return {
    ...size,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: look.group, scales: ['x', null] }, drag: { x: true, y: false }, points: { size: 7 } },
    scales: { x: { time: false }, y: yScale(look) },
    axes: [
      {
        ...axis,
        size: AXIS_SIZE,
        space: look.across === 'step' ? 60 : 110,
        values: (_, splits) => splits.map(split => xText(split, look.across))
      },
      {
        ...axis,
        size: LABEL_SIZE,
        space: 28,
        ...(look.kind === 'bytes' ? { incrs: POWERS } : {}),
        values: (_, splits) => splits.map(value => (value === null ? '' : markText(value, look)))
      }
    ],
    series: [{}, ...look.lines.map(line => seriesOf(line, colour(line.colour)))]
  };
}

/** A place on the lower axis, in words. */
export function xText(value: number, across: Across): string {
  switch (across) {
    case 'step':
      return value.toLocaleString();
    case 'relative':
      return duration(value);
    case 'wall':
      return clock(new Date(1_000 * value).toISOString());
  }
}

/** A value at the axis, which needs no more digits than tell it from its neighbours. */
function markText(value: number, { kind, format }: ChartLook): string {
  if (kind === 'bytes') {
    return format(value);
  }
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? powers.format(value) : marks.format(value);
}

function yScale({ isLog, isFromZero }: ChartLook): uPlot.Scale {
  if (isLog) {
    return { distr: 3, log: 10 };
  }
  return isFromZero ? { range: (_, __, most) => [0, most > 0 ? 1.08 * most : 1] } : {};
}

function seriesOf(line: Line, stroke: string): uPlot.Series {
  return {
    label: line.label,
    stroke,
    width: line.isBehind ? 1 : 1.75,
    alpha: line.isBehind ? 0.3 : 1,
    points: { show: line.isBehind || line.xs.length > 40 ? false : line.xs.length < 2 ? true : undefined },
    ...(line.isDashed ? { dash: DASHES } : {})
  };
}
