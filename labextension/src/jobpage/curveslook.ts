import type { CurveChoice } from './curvelines';

/** How curves are drawn. */
export interface CurvesLook extends CurveChoice {
  isLog: boolean;
}

const KEY = 'mlmagic:curves-look';
const PLAIN: CurvesLook = { across: 'step', smoothing: 0, isLog: false };

/** What was chosen last in this tab of the browser: the next page begins with it. */
export function lastLook(): CurvesLook {
  try {
    const { across, smoothing, isLog } = JSON.parse(window.sessionStorage.getItem(KEY) ?? '{}') as Partial<CurvesLook>;
    return {
      across: across === 'relative' || across === 'wall' ? across : PLAIN.across,
      smoothing: typeof smoothing === 'number' && smoothing >= 0 && smoothing < 1 ? smoothing : PLAIN.smoothing,
      isLog: isLog === true
    };
  } catch {
    // Nothing can be kept here, or something else was.
    return PLAIN;
  }
}

export function keepLook(look: CurvesLook): void {
  try {
    window.sessionStorage.setItem(KEY, JSON.stringify(look));
  } catch {
    // The next page begins as the first one.
  }
}
