import type { Float } from '../types';

const WIDTH = 48;
const HEIGHT = 14;

/** The way of a metric in the size of a word. What it shows stands beside it as a number. */
export function Sparkline({ points }: { points: readonly Float[] }) {
  const path = sparkPath(points.map(Number));
  return path === '' ? null : (
    <svg className="mlm-spark" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

/** The SVG path over the finite values; empty where they make no line. */
export function sparkPath(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 2) {
    return '';
  }
  // A spread of arguments would break at some ten thousand of them.
  const low = finite.reduce((one, other) => Math.min(one, other));
  const high = finite.reduce((one, other) => Math.max(one, other));
  const step = (WIDTH - 2) / (values.length - 1);
  const scale = high === low ? 0 : (HEIGHT - 4) / (high - low);
  const parts = values.map((value, index) => {
    const y = high === low ? HEIGHT / 2 : HEIGHT - 2 - (value - low) * scale;
    return Number.isFinite(value) ? `${(1 + index * step).toFixed(1)} ${y.toFixed(1)}` : '';
  });
  return `M${parts.filter(part => part !== '').join('L')}`;
}
