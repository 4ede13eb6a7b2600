// Values on their way from a control: in order, not too often, and what became of them. No page in here.

/** What may not write now may not with the next value either. */
const FINAL = [401, 403];

export class Sender {
  /** What is to be sent, the oldest first. */
  #waiting = [];
  #isBusy = false;
  #put;
  #tell;
  /** `{kind: "sending" | "taken" | "back" | "refused", to, value, seq, at}`; null: nothing was sent. */
  state = null;
  /** What was asked for last, until it is refused. */
  wanted = undefined;
  /** `{value, error}` of what was refused, until something else is asked for. */
  refusal = null;

  /**
   * @param {(to: object, value: any) => Promise<object>} put sends one; what it gives is put into the state
   * @param {() => void} tell says that the state is another one
   */
  constructor(put, tell) {
    this.#put = put;
    this.#tell = tell;
  }

  /** Is something sent, or about to be? */
  get isUnderway() {
    return this.state?.kind === "sending" || this.#waiting.length > 0;
  }

  /**
   * @param isEach each value is sent, else the last one only: of a slider that moves nobody wants all
   * @param isEnd it ends what was sent before, as a release does
   */
  send(to, value, { interval = 0, isEach = false, isEnd = false } = {}) {
    if (!isEach) this.#waiting = [];
    if (!isEnd && !this.isUnderway) this.refusal = null;
    this.#waiting.push({ to, value, interval, isEach, isEnd });
    this.wanted = value;
    this.#go();
  }

  /** Nobody is there to see what comes: the last that waits is sent at once. */
  leave() {
    const last = this.#waiting.at(-1);
    this.#waiting = [];
    if (last) this.#put(last.to, last.value).catch(() => {});
  }

  /** It is there. */
  isBack(at) {
    this.state = { ...this.state, kind: "back", at };
  }

  async #go() {
    if (this.#isBusy || !this.#waiting.length) return;
    this.#isBusy = true;
    const { to, value, interval, isEnd } = this.#waiting.shift();
    this.#become({ kind: "sending", to, value });
    const began = performance.now();
    try {
      const answer = await this.#put(to, value);
      if (!isEnd) this.refusal = null;
      this.#become({ kind: "taken", to, value, ...answer });
    } catch (error) {
      // What ends something is sent all the same, since what it ends may have been taken. Presses are not: nobody wants a
      // door to open when the broker is back.
      const stays = FINAL.includes(error.status) ? [] : this.#waiting.filter(({ isEach, isEnd }) => isEnd || !isEach);
      this.#waiting = stays.slice(-1);
      if (!this.#waiting.length) this.wanted = undefined;
      this.refusal = { value, error };
      this.#become({ kind: "refused", to, value });
    }
    const rest = interval - (performance.now() - began);
    if (rest > 0) await new Promise((done) => setTimeout(done, rest));
    this.#isBusy = false;
    this.#go();
  }

  #become(state) {
    this.state = state;
    this.#tell();
  }
}
