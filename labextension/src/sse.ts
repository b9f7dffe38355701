/** An event of a stream, as it was sent. */
export interface Told {
  event: string;
  data: string;
}

/** The events of a `text/event-stream`, whose lines end with `\n` as our server's do; null of a sign of life. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Told | null> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (rest + decoder.decode(part.value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      yield null;
      for (const told of blocks.map(parsed)) {
        yield told;
      }
    }
  } finally {
    // Whoever reads no further lets go of the connection.
    await reader.cancel().catch(() => undefined);
  }
}

function parsed(block: string): Told | null {
  let event = '';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') {
      event = value;
    } else if (field === 'data') {
      data.push(value);
    }
  }
  return event === '' ? null : { event, data: data.join('\n') };
}
