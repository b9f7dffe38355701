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
/** How much is seen of lines while another one is pointed at. */
const PALE = 0.15;
const HEX = /^#[\da-f]{6}$/i;
const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);
const WHOLE = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map(each => each * 10 ** power)).flat();
// Of seconds: what a clock counts in.
const TIMES = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200],
  ...[1, 2, 5, 10, 20, 50].map(days => days * 86_400)
];
const seconds = unitFormat('second');
const minutes = unitFormat('minute');
const hours = unitFormat('hour');
const marks = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const powers = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3, notation: 'scientific' });

/** What uPlot is told of a chart; its colours are those of the theme at this moment. */
export function optionsOf(look: ChartLook, host: Element, size: { width: number; height: number }): uPlot.Options {
  const style = getComputedStyle(host);
  const colour = (name: string): string => style.getPropertyValue(name).trim() || style.color;
  const font = `11px ${style.fontFamily}`;
  const axis: uPlot.Axis = {
    stroke: colour('--jp-ui-font-color2'),
    font,
    grid: { stroke: colour('--jp-border-color2'), width: 1 },
    ticks: { stroke: colour('--jp-border-color1'), width: 1, size: 4 }
  };
  return {
    ...size,
    padding: [8, 30, 0, 0],
    legend: { show: false },
    focus: { alpha: PALE },
    cursor: { sync: { key: look.group, scales: ['x', null] }, drag: { x: true, y: false }, points: { size: 7 } },
    scales: { x: { time: false, range: xRange }, y: yScale(look) },
    axes: [xAxis(axis, look.across), yAxis(axis, look)],
    series: [{}, ...look.lines.map(line => seriesOf(line, colour(line.colour)))]
  };
}

function xAxis(axis: uPlot.Axis, across: Across): uPlot.Axis {
  return {
    ...axis,
    size: AXIS_SIZE,
    space: across === 'step' ? 60 : 110,
    incrs: { step: WHOLE, relative: TIMES, wall: TIMES.filter(each => each >= 1) }[across],
    values: (_, splits) => splits.map(split => (across === 'relative' ? sinceText(split) : xText(split, across)))
  };
}

function yAxis(axis: uPlot.Axis, look: ChartLook): uPlot.Axis {
  return {
    ...axis,
    size: LABEL_SIZE,
    space: 28,
    ...(look.kind === 'bytes' ? { incrs: POWERS } : {}),
    values: (_, splits) => splits.map(value => (value === null ? '' : markText(value, look)))
  };
}

/** A place on the lower axis, in words. */
export function xText(value: number, across: Across): string {
  switch (across) {
    case 'step':
      return value.toLocaleString();
    case 'relative':
      return Math.abs(value) < 10 ? seconds.format(value) : duration(value);
    case 'wall':
      return clock(new Date(1_000 * value).toISOString());
  }
}

/** A time since the start, without parts that are 0: the marks stand at round ones. */
function sinceText(value: number): string {
  if (value !== 0 && value % 3_600 === 0 && value < 86_400) {
    return hours.format(value / 3_600);
  }
  return value !== 0 && value % 60 === 0 && value < 3_600 ? minutes.format(value / 60) : xText(value, 'relative');
}

function unitFormat(unit: string): Intl.NumberFormat {
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 3 });
}

/** A value at the axis, which needs no more digits than tell it from its neighbours. */
function markText(value: number, { kind, format }: ChartLook): string {
  return kind === 'bytes' ? format(value) : numberMark(value);
}

/** A number at an axis: with as few digits as it needs, and as a power of ten where it is very small or large. */
export function numberMark(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? powers.format(value) : marks.format(value);
}

/** All that there is; around a single place a little, in which nothing else seems to be. */
function xRange(plot: uPlot, least: number, most: number): [number, number] {
  const [only] = plot.data[0];
  return plot.data[0].length === 1 ? [only! - 1, only! + 1] : [least, most];
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
    // Its own opacity is what uPlot sets when a line is pointed at.
    stroke: line.isBehind && HEX.test(stroke) ? `${stroke}4d` : stroke,
    width: line.isBehind ? 1 : 1.75,
    // A single point makes no line; of others uPlot tells whether there is room for points.
    points: { show: line.isBehind ? false : line.xs.length === 1 ? true : undefined },
    ...(line.isDashed ? { dash: DASHES } : {})
  };
}
