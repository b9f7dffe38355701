import { serverNow } from '../clock';
import type { Float, Time } from '../types';

/** What cannot be told. */
export const NONE = '—';

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

type Unit = 'second' | 'minute' | 'hour' | 'day';

const TRICKS = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;
const LEFTWARDS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

// A formatter takes longer to make than a thousand numbers to format.
const units = new Map<string, Intl.NumberFormat>();
const counts = new Intl.NumberFormat();
const significant = new Intl.NumberFormat(undefined, { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
const brief = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const powers = new Intl.NumberFormat(undefined, { notation: 'scientific', maximumSignificantDigits: 4 });
const percents = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const clocks = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** A duration in two units at most: `4 sec`, `2 min 10 sec`, `1 hr 5 min`, `3 days 4 hr`. */
export function duration(seconds: Float): string {
  const whole = Math.max(0, Math.floor(Number(seconds)));
  if (!Number.isFinite(whole)) {
    return NONE;
  }
  if (whole < MINUTE) {
    return inUnit(whole, 'second');
  }
  if (whole < HOUR) {
    return join(whole, MINUTE, 'minute', 1, 'second');
  }
  return whole < DAY ? join(whole, HOUR, 'hour', MINUTE, 'minute') : join(whole, DAY, 'day', HOUR, 'hour');
}

/** A duration that is only known roughly, in one unit: `about` is for the caller to say. */
export function roughly(seconds: Float): string {
  const value = Math.max(0, Number(seconds));
  if (!Number.isFinite(value)) {
    return NONE;
  }
  if (value < MINUTE) {
    return inUnit(Math.ceil(value), 'second');
  }
  if (value < HOUR) {
    return inUnit(Math.round(value / MINUTE), 'minute');
  }
  return value < 10 * HOUR ? duration(value) : inUnit(Math.round(value / HOUR), 'hour');
}

/** How long ago a time was: `now`, `5 min. ago`, `yesterday`. */
export function ago(time: Time, now: number = serverNow()): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (Number.isNaN(seconds)) {
    return NONE;
  }
  if (seconds < MINUTE) {
    return relative.format(0, 'second');
  }
  if (seconds < HOUR) {
    return relative.format(-Math.floor(seconds / MINUTE), 'minute');
  }
  return seconds < DAY
    ? relative.format(-Math.floor(seconds / HOUR), 'hour')
    : relative.format(-Math.floor(seconds / DAY), 'day');
}

/** The seconds between two times; up to now if there is no end. */
export function secondsBetween(start: Time, end: Time | undefined, now: number = serverNow()): number {
  return Math.max(0, ((end === undefined ? now : Date.parse(end)) - Date.parse(start)) / 1000);
}

/** Date and time to the second, as the user's own clock has them. */
export function time(value: Time): string {
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? NONE : moments.format(moment);
}

/** The time of the day to the second. */
export function clock(value: Time): string {
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? NONE : clocks.format(moment);
}

/** A size: `512 B`, `1.5 MiB`. */
export function bytes(size: number): string {
  let value = size;
  let unit = 'B';
  for (const larger of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (value < 1024) {
      break;
    }
    value /= 1024;
    unit = larger;
  }
  return `${value >= 10 || unit === 'B' ? counts.format(Math.round(value)) : brief.format(value)} ${unit}`;
}

/** A metric to four significant digits, a whole number as it is. */
export function number(value: Float): string {
  const known = Number(value);
  if (!Number.isFinite(known)) {
    return Number.isNaN(known) ? 'NaN' : known > 0 ? '∞' : '−∞';
  }
  const size = Math.abs(known);
  if (Number.isInteger(known) && size < 1e15) {
    return counts.format(known);
  }
  return size >= 1e9 || size < 1e-4 ? powers.format(known) : significant.format(known);
}

/** A number with one decimal at most, such as that of busy cores. */
export function rough(value: Float): string {
  return brief.format(Number(value));
}

/** A whole number with its thousands marked. */
export function count(value: number): string {
  return counts.format(value);
}

/** A share from 0 to 1. It says 100 % only of what is done. */
export function percent(fraction: Float): string {
  return percents.format(Math.floor(100 * Math.min(1, Math.max(0, Number(fraction)))) / 100);
}

/**
 * A name or a sentence from elsewhere, on one line: signs that are not to be seen, or turn the text around them, are
 * replaced; what is written from right to left leaves the order of what stands beside it.
 */
export function plain(text: string, most = Infinity): string {
  const shown = text.replace(/\s+/g, ' ').replace(TRICKS, '\ufffd');
  const characters = Array.from(shown);
  const cut = characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : shown;
  return LEFTWARDS.test(cut) ? `\u2068${cut}\u2069` : cut;
}

/** That what is told of a job was heard before, and why there is no news. */
export function old(trouble: string): string {
  return `Not up to date: ${plain(trouble)}`;
}

/** A word with its number: `1 job`, `1,200 jobs`. */
export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function join(seconds: number, large: number, largeUnit: Unit, small: number, smallUnit: Unit): string {
  return `${inUnit(Math.floor(seconds / large), largeUnit)} ${inUnit(Math.floor((seconds % large) / small), smallUnit)}`;
}

function inUnit(value: number, unit: Unit): string {
  let format = units.get(unit);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'short' });
    units.set(unit, format);
  }
  return format.format(value);
}
