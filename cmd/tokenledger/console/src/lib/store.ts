// What this browser remembers between visits: the theme, named views, pinned public keys. Never a token, never an answer.
export function remembered<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`tokenledger.${name}`);
    return text === null ? otherwise : JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}

export function remember(name: string, value: unknown) {
  try {
    localStorage.setItem(`tokenledger.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing shows the same, each time anew.
  }
}
