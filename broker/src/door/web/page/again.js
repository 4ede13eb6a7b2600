// Asks again and again, as long as somebody sees what is asked for.

import { useEffect } from "./vendor/preact.js";

/** What failed is tried again so soon, whatever its pace. */
const RETRY_MS = 3000;

/**
 * Does something when the component comes, again so many ms after it is done, and at once where the page is seen again.
 * @param {(signal: AbortSignal) => Promise<boolean | void>} act false: it failed; `signal` says that nobody waits for it any more
 * @param {any[]} of it begins anew where one of these changes
 */
export function useAgain(act, ms, of = []) {
  useEffect(() => {
    const stopped = new AbortController();
    let timer;
    let isBusy = false;
    const look = async () => {
      clearTimeout(timer);
      if (document.hidden || isBusy) return;
      isBusy = true;
      const isDone = await act(stopped.signal);
      isBusy = false;
      if (!stopped.signal.aborted) timer = setTimeout(look, isDone === false ? RETRY_MS : ms);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      stopped.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, of);
}
