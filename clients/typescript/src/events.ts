/** Server-sent events, read from a stream. Source: the HTML standard, section 9.2. */

export interface Message {
  id: string | null;
  data: string;
}

/** The messages of a stream; one that is cut off is left out. */
export async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let text = '';
  let message: Message = { id: null, data: '' };
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
    const lines = text.split(/\r\n|\n|\r/);
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (message.data) yield message;
        message = { id: null, data: '' };
      } else {
        const colon = line.indexOf(':');
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'data') message.data += value;
        if (field === 'id') message.id = value;
      }
    }
  }
}
