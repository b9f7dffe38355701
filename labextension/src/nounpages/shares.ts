/** Percentages of versions, in their order; together they are 100. */
export type Shares = readonly number[];

export const WHOLE = 100;

/**
 * Give one version a share, and the others what is left, in the proportion that they have; if they have nothing, in that
 * of `saved`; and if they had nothing there, in equal parts.
 */
export function withShare(shares: Shares, saved: Shares, at: number, wanted: number): number[] {
  if (shares.length === 1) {
    return [WHOLE];
  }
  const share = Math.min(WHOLE, Math.max(0, Math.round(wanted)));
  const others = (all: Shares) => all.map((each, index) => (index === at ? 0 : each));
  const weights = [others(shares), others(saved), others(shares.map(() => 1))].find(each => sum(each) > 0);
  const parts = divided(WHOLE - share, weights ?? []);
  return parts.map((part, index) => (index === at ? share : part));
}

/** Divide a whole number by weights into whole numbers: what rounding leaves goes to the largest remainders. */
function divided(total: number, weights: Shares): number[] {
  const exact = weights.map(weight => (total * weight) / sum(weights));
  const parts = exact.map(Math.floor);
  const order = exact.map((_, index) => index).sort((a, b) => (exact[b]! % 1) - (exact[a]! % 1));
  for (const index of order.slice(0, total - sum(parts))) {
    parts[index]! += 1;
  }
  return parts;
}

function sum(values: Shares): number {
  return values.reduce((total, value) => total + value, 0);
}
