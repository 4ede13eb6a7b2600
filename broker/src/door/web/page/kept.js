// What this browser keeps for this broker: in its own storage, or until the page is left where it stores nothing.

/** The broker's address as the browser sees it: behind a proxy it may be below a path. It ends with a slash. */
export function home() {
  return new URL(".", document.baseURI).href;
}

/** `kind`: `localStorage` or `sessionStorage`. A browser that is told to store nothing throws where one looks at them. */
function keeper(kind) {
  const unstored = new Map();
  /** Several brokers may be below one host. */
  const full = (name) => `${name} ${home()}`;
  const attempt = (act, otherwise) => {
    try {
      return act(globalThis[kind]);
    } catch {
      return otherwise();
    }
  };
  return {
    /** Null: nothing is kept by this name. */
    get: (name) => unstored.get(name) ?? attempt((storage) => storage.getItem(full(name)), () => null),
    set(name, text) {
      unstored.delete(name);
      attempt((storage) => storage.setItem(full(name), text), () => unstored.set(name, text));
    },
    remove(name) {
      unstored.delete(name);
      attempt((storage) => storage.removeItem(full(name)), () => {});
    },
  };
}

/** As long as nobody takes it away. */
export const always = keeper("localStorage");

/** As long as this window is open, also where the page is loaded again. */
export const inWindow = keeper("sessionStorage");
