import type { IDisposable } from '@lumino/disposable';

import type { Client } from './client';
import { readEvents, type Told } from './sse';

/**
 * How it stands with the server: `refused` is a login that has ended, `missing` a server without our extension,
 * `lost` everything else that is no answer.
 */
export type Standing = 'connecting' | 'connected' | 'lost' | 'refused' | 'missing';

/** Who is told what a feed brings. */
export interface Hearer {
  told(told: Told): void;
  standing(standing: Standing): void;
}

/** How long a connection that broke is left alone, in milliseconds; doubled with each failure. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** The same where asking again will hardly help; a tab that is shown again asks at once. */
const HOPELESS_PAUSE = 60_000;
/** The server gives a sign of life each 15 seconds; a connection without any is dead, such as after the machine slept. */
const SILENCE = 40_000;

/** One connection to the server's stream, made anew whenever it breaks, until it is disposed of. */
export class Feed implements IDisposable {
  private readonly _ended = new AbortController();

  constructor(
    private readonly _client: Client,
    private readonly _hearer: Hearer
  ) {
    void this._run();
  }

  get isDisposed(): boolean {
    return this._ended.signal.aborted;
  }

  dispose(): void {
    this._ended.abort();
  }

  private async _run(): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!this.isDisposed) {
      const { wasConnected, standing } = await this._follow();
      if (this.isDisposed) {
        return;
      }
      if (standing !== 'connected') {
        this._hearer.standing(standing);
      }
      pause = wasConnected ? FIRST_PAUSE : pause;
      // Not all browsers at once, after the server was restarted.
      await sleep((isHopeless(standing) ? HOPELESS_PAUSE : pause) * (1 + Math.random() / 4), this._ended.signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  /** Read a connection to its end, however it ends. */
  private async _follow(): Promise<{ wasConnected: boolean; standing: Standing }> {
    const broken = new AbortController();
    const end = () => broken.abort();
    this._ended.signal.addEventListener('abort', end);
    let timer = window.setTimeout(end, SILENCE);
    let wasConnected = false;
    try {
      const response = await this._client.events(broken.signal);
      const standing = standingOf(response);
      if (standing !== 'connected' || response.body === null) {
        return { wasConnected, standing };
      }
      for await (const told of readEvents(response.body)) {
        window.clearTimeout(timer);
        timer = window.setTimeout(end, SILENCE);
        if (told !== null && !this.isDisposed) {
          wasConnected ||= told.event === 'hello';
          this._hearer.told(told);
        }
      }
      // The server ends it now and again to look at the login anew, which is no fault.
      return { wasConnected, standing: wasConnected ? 'connected' : 'lost' };
    } catch {
      // It broke, or was broken off.
    } finally {
      window.clearTimeout(timer);
      this._ended.signal.removeEventListener('abort', end);
      end();
    }
    return { wasConnected, standing: 'lost' };
  }
}

function standingOf({ ok, status, redirected, headers }: Response): Standing {
  if (ok) {
    const isStream = headers.get('Content-Type')?.startsWith('text/event-stream');
    // A login page comes in the place of what was asked for.
    return isStream ? 'connected' : redirected ? 'refused' : 'lost';
  }
  return status === 401 || status === 403 ? 'refused' : status === 404 ? 'missing' : 'lost';
}

function isHopeless(standing: Standing): boolean {
  return standing === 'refused' || standing === 'missing';
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = window.setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (window.clearTimeout(timer), resolve()), { once: true });
  });
}
