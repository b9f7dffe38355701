import { useLayoutEffect, useState, type RefObject } from 'react';

/** Of each line, in pixels; the style sheet says the same. */
export const LINE_HEIGHT = 18;
/** Browsers draw nothing beyond an element's height of 17 to 33 million pixels: a longer log is scrolled faster. */
const MOST_PIXELS = 15_000_000;
/** Lines that are drawn above and below what is in sight. */
const SPARE = 12;

/** Which of many equally high lines are to be drawn, and where. */
export interface LineWindow {
  first: number;
  /** The one after the last. */
  end: number;
  /** Of the first line that is drawn, from the top of the whole, in pixels. */
  top: number;
  /** Of the whole, in pixels. */
  height: number;
  /** Of what is in sight: its first line. */
  shown: number;
  scrollTo(line: number, align: 'start' | 'center' | 'end' | 'nearest'): void;
}

interface Sight {
  top: number;
  height: number;
}

/**
 * Draw a few of any number of lines: unlike lists that measure their rows, nothing here grows with their number.
 *
 * With `isAtEnd` they are the last ones, as whoever sets it scrolls there: the picture before that is not drawn.
 */
export function useLineWindow(scroller: RefObject<HTMLElement>, count: number, isAtEnd: boolean): LineWindow {
  const [sight, setSight] = useState<Sight>({ top: 0, height: 0 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) {
      return undefined;
    }
    const look = (): void => {
      // Of an element that is hidden all is 0, and where it was scrolled to is to be kept.
      if (element.clientHeight > 0) {
        setSight({ top: element.scrollTop, height: element.clientHeight });
      }
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [scroller]);

  const whole = count * LINE_HEIGHT;
  const height = Math.min(whole, MOST_PIXELS);
  const factor = height > sight.height ? Math.max(1, (whole - sight.height) / (height - sight.height)) : 1;
  const scrolled = isAtEnd ? Math.max(0, height - sight.height) : sight.top;
  const top = Math.min(scrolled * factor, Math.max(0, whole - sight.height));
  const shown = Math.floor(top / LINE_HEIGHT);
  const first = Math.max(0, shown - SPARE);
  const end = Math.min(count, Math.ceil((top + sight.height) / LINE_HEIGHT) + SPARE);

  const scrollTo: LineWindow['scrollTo'] = (line, align) => {
    const element = scroller.current;
    if (element) {
      const target = aligned(line * LINE_HEIGHT, element.scrollTop * factor, element.clientHeight, align);
      element.scrollTop = target / factor;
    }
  };
  return {
    first,
    end,
    top: first * LINE_HEIGHT - top + scrolled,
    height,
    shown,
    scrollTo
  };
}

function aligned(at: number, top: number, height: number, align: 'start' | 'center' | 'end' | 'nearest'): number {
  const end = at + LINE_HEIGHT - height;
  switch (align) {
    case 'start':
      return at;
    case 'center':
      return at - (height - LINE_HEIGHT) / 2;
    case 'end':
      return end;
    case 'nearest':
      return at < top || end > top ? at - (height - LINE_HEIGHT) / 2 : top;
  }
}
