/** Where in ascending numbers one stands, or the first greater one; their count where there is none. */
export function indexAtOrAfter(numbers: readonly number[], wanted: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Where a line stands in what is shown: in all lines, or in some. */
export function placeIn(shown: readonly number[] | null, line: number): number {
  return shown ? Math.min(indexAtOrAfter(shown, line), Math.max(0, shown.length - 1)) : line;
}
