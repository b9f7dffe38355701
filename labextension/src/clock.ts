import type { Time } from './types';

/** The server's clock. The times in records are the server's, whose clock need not agree with this machine's. */
class ServerClock {
  private _ahead = 0;

  /** How far it is ahead of this machine's, in milliseconds. */
  get ahead(): number {
    return this._ahead;
  }

  set ahead(milliseconds: number) {
    this._ahead = Number.isFinite(milliseconds) ? milliseconds : 0;
  }

  /** Learn what it showed just now. */
  set(time: Time): void {
    this.ahead = Date.parse(time) - Date.now();
  }
}

/** A tab has one server. */
export const serverClock = new ServerClock();

/** The present time by the server's clock, in milliseconds. */
export function serverNow(): number {
  return Date.now() + serverClock.ahead;
}
