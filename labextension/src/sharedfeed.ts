import type { IDisposable } from '@lumino/disposable';

import type { Client } from './client';
import { serverClock } from './clock';
import { Feed, type Hearer, type Standing } from './feed';
import type { Told } from './sse';

/** What windows tell one another. Whoever changes its shape changes the number in `nameOf`: old windows stay open. */
type Word = { kind: 'ask' } | { kind: 'told'; told: Told } | { kind: 'standing'; standing: Standing; ahead: number };

/** How often the leader says that it is there, in milliseconds. */
const BEAT = 5_000;
/** A leader that is silent for so long, up to twice as long, is replaced. */
const SILENCE = 15_000;

/**
 * The stream of the server, shared by all windows of this browser that are in sight.
 *
 * A browser has six connections to a server for all its windows: with a stream for each, the seventh would get no answer,
 * and Jupyter neither. So one of them, the leader, holds the stream, and passes on what it hears. The leader is who
 * has a lock of the browser: closed, hidden or crashed it loses the lock, and the next window in the queue gets it. A leader
 * that stands still, such as in a debugger, is silent: the lock is taken from it. Windows out of sight have left.
 */
export class SharedFeed implements IDisposable {
  private readonly _name: string;
  private readonly _channel: BroadcastChannel;
  private _patience = new AbortController();
  private _standing: Standing = 'connecting';
  private _silence: number | undefined;
  private _endService: (() => void) | null = null;
  private _isSilent = false;
  private _hasJoined = false;
  private _isDisposed = false;

  constructor(
    private readonly _client: Client,
    private readonly _hearer: Hearer
  ) {
    this._name = nameOf(_client);
    this._channel = new BroadcastChannel(this._name);
    this._channel.onmessage = ({ data }: MessageEvent<Word>) => this._onWord(data);
    this._hearLeader();
    this._say({ kind: 'ask' });
    void this._run();
  }

  /** Whether this browser lets windows share: it does so only where the connection is safe, or to this machine. */
  static get isPossible(): boolean {
    return 'locks' in navigator && typeof BroadcastChannel === 'function';
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.clearTimeout(this._silence);
      this._endService?.();
      this._patience.abort();
      this._channel.close();
    }
  }

  /** Stand in the queue for the lock, and lead while it is held. */
  private async _run(): Promise<void> {
    while (!this._isDisposed) {
      const options: LockOptions = this._isSilent ? { steal: true } : { signal: this._patience.signal };
      this._isSilent = false;
      try {
        await navigator.locks.request(this._name, options, () => this._lead());
      } catch (error) {
        this._endService?.();
        if (!(error instanceof DOMException && error.name === 'AbortError')) {
          // A browser that forbids locks.
          await this._lead();
        }
      }
    }
  }

  /** Hold the stream until it is taken away, or is not wanted any more. */
  private async _lead(): Promise<void> {
    if (this._isDisposed) {
      return;
    }
    window.clearTimeout(this._silence);
    const feed = new Feed(this._client, {
      told: told => this._pass(told),
      standing: standing => this._stand(standing)
    });
    const beat = window.setInterval(() => this._stand(this._standing), BEAT);
    await new Promise<void>(resolve => (this._endService = resolve));
    this._endService = null;
    window.clearInterval(beat);
    feed.dispose();
    this._hearLeader();
  }

  private _pass(told: Told): void {
    this._say({ kind: 'told', told });
    this._hearer.told(told);
    if (told.event === 'hello') {
      this._stand('connected');
    }
  }

  private _stand(standing: Standing): void {
    this._standing = standing;
    this._say({ kind: 'standing', standing, ahead: serverClock.ahead });
    this._hearer.standing(standing);
  }

  private _say(word: Word): void {
    if (!this._isDisposed) {
      this._channel.postMessage(word);
    }
  }

  private _onWord(word: Word): void {
    const isLeading = this._endService !== null;
    if (word.kind === 'ask') {
      if (isLeading) {
        this._stand(this._standing);
      }
    } else if (!isLeading && !this._isDisposed) {
      this._hearLeader();
      this._follow(word);
    }
  }

  private _follow(word: Exclude<Word, { kind: 'ask' }>): void {
    if (word.kind === 'told') {
      this._hasJoined ||= word.told.event === 'hello';
      this._hearer.told(word.told);
      return;
    }
    this._standing = word.standing;
    serverClock.ahead = word.ahead;
    this._hearer.standing(word.standing);
    if (word.standing === 'connected' && !this._hasJoined) {
      // What was told before is not heard any more.
      this._hasJoined = true;
      this._hearer.told({ event: 'lagging', data: '{}' });
    }
  }

  /** Begin to wait for a sign of life; not all windows lose patience at once. */
  private _hearLeader(): void {
    window.clearTimeout(this._silence);
    if (!this._isDisposed) {
      this._silence = window.setTimeout(() => this._replaceLeader(), SILENCE * (1 + Math.random()));
    }
  }

  private _replaceLeader(): void {
    this._isSilent = true;
    this._patience.abort();
    this._patience = new AbortController();
  }
}

/** Windows of one server share, also where several servers have one host: each has a base URL of its own. */
function nameOf({ settings }: Client): string {
  return `mlmagic:1:${settings.baseUrl}`;
}
