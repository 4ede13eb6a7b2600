// Values on their way from a control: in order, not too often, and what became of them. No page in here.

/** What may not write now may not with the next value either. */
const FINAL = [401, 403];

export class Sender {
  /** What is to be sent, the oldest first. */
  #waiting = [];
  #isBusy = false;
  #put;
  #tell;
  /** `{kind: "sending" | "taken" | "back" | "refused", value, to, seq, at, why}`; null: nothing was sent. */
  state = null;
  /** What was asked for last, until it is refused. */
  wanted = undefined;

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

  /** Each value is sent where `isEach`, else the last one only: of a slider that moves nobody wants all. */
  send(to, value, interval = 0, isEach = false) {
    if (!isEach) this.#waiting = [];
    this.#waiting.push({ to, value, interval });
    this.wanted = value;
    this.#go();
  }

  /** It is there. */
  isBack(at) {
    this.state = { ...this.state, kind: "back", at };
  }

  async #go() {
    if (this.#isBusy || !this.#waiting.length) return;
    this.#isBusy = true;
    const { to, value, interval } = this.#waiting.shift();
    this.#become({ kind: "sending", to, value });
    const began = performance.now();
    try {
      this.#become({ kind: "taken", to, value, ...(await this.#put(to, value)) });
    } catch (error) {
      // What waits is sent all the same: the end of a movement, or the release of what may have been pressed.
      if (FINAL.includes(error.status)) this.#waiting = [];
      if (!this.#waiting.length) this.wanted = undefined;
      this.#become({ kind: "refused", to, value, error });
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
