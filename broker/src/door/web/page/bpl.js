// Reads Brain4it's notation of values: texts, numbers, true, false, null and lists, named or not. Code is refused.

const DEPTH_MAX = 64;
/** A list may be linked to many times; so many values in all are enough for dashboards. */
const VALUES_MAX = 200_000;

/** What the text is not, and on which line. */
export class NotRead extends Error {
  constructor(line, why) {
    super(`Line ${line}: ${why}`);
    this.line = line;
  }
}

/**
 * Named lists become objects, others become arrays; `@name` is the text that names it.
 *
 * `<#1>` in a list numbers it, `<#:1>` says that it has the names of list 1, and `<@1>` stands for that list.
 */
export function parse(text) {
  const tokens = tokenize(text);
  const numbered = new Map();
  let values = 0;
  let depth = 0;

  const value = () => {
    const token = tokens.next();
    if (++values > VALUES_MAX) throw new NotRead(token.line, "there are too many values");
    switch (token.kind) {
      case "(":
        return list(token.line);
      case "value":
        return token.value;
      case "tag":
        return link(token);
      case "word":
        if (/^@?[\w./-]+$/.test(token.value)) return token.value.startsWith("@") ? token.value : `@${token.value}`;
        throw new NotRead(token.line, `“${token.value}” is no value`);
      case "end":
        throw new NotRead(token.line, "a list does not end");
      default:
        throw new NotRead(token.line, `“${token.kind}” is not expected here`);
    }
  };

  const list = (line) => {
    if (++depth > DEPTH_MAX) throw new NotRead(line, `lists are nested deeper than ${DEPTH_MAX}`);
    const names = [];
    const items = [];
    let number = null;
    let like = null;
    for (let token = tokens.peek(); token.kind !== ")"; token = tokens.peek()) {
      const tag = token.kind === "tag" && !items.length && /^<#(\w*)(?::(\w+))?>$/.exec(token.value);
      if (tag) {
        tokens.next();
        number = tag[1];
        like = tag[2] ? numbered.get(tag[2]) : null;
        if (like === undefined) throw new NotRead(token.line, `there is no list ${tag[2]} before this one`);
        continue;
      }
      if (token.kind === "word" && !items.length) {
        throw new NotRead(token.line, `“${token.value}” begins code, and code is not run here; lists of texts and numbers are read`);
      }
      const item = value();
      if (tokens.peek().kind === "=>") {
        const { line } = tokens.next();
        if (typeof item !== "string") throw new NotRead(line, "a name is a text in quotes");
        names.push(item);
        items.push(value());
      } else {
        if (names.length && !like) throw new NotRead(token.line, "either all values of a list have names, or none");
        items.push(item);
      }
    }
    tokens.next();
    depth--;
    const all = like && !names.length ? like.slice(0, items.length) : names;
    if (all.length && all.length !== items.length) throw new NotRead(line, "either all values of a list have names, or none");
    const result = all.length ? Object.fromEntries(all.map((name, index) => [name, items[index]])) : items;
    if (number) {
      numbered.set(number, all);
      numbered.set(`@${number}`, result);
    }
    return result;
  };

  const link = ({ line, value }) => {
    const id = /^<@(\w+)>$/.exec(value)?.[1];
    if (!id || !numbered.has(`@${id}`)) throw new NotRead(line, `${value} stands for no list before it`);
    const copy = JSON.stringify(numbered.get(`@${id}`));
    values += copy.length / 4;
    if (values > VALUES_MAX) throw new NotRead(line, "there are too many values");
    return JSON.parse(copy);
  };

  const all = [];
  while (tokens.peek().kind !== "end") all.push({ line: tokens.peek().line, value: value() });
  return all;
}

/** One token after the other: `(`, `)`, `=>`, `tag`, `word`, `value`, `end`. */
function tokenize(text) {
  const pattern = /([\s\u00a0]+)|([()])|("(?:[^"\\\n]|\\.)*")|(=>)|([^\s\u00a0()"]+)|(.)/gsu;
  let line = 1;
  let next = null;
  const read = () => {
    for (;;) {
      const found = pattern.exec(text);
      if (!found) {
        pattern.lastIndex = text.length;
        return { kind: "end", line };
      }
      const [all, space, bracket, quoted, arrow, word] = found;
      if (space) line += all.split("\n").length - 1;
      else if (bracket || arrow) return { kind: all, line };
      else if (quoted) return { kind: "value", value: unquote(quoted, line), line };
      else if (word) return token(word, line);
      else throw new NotRead(line, "a text does not end");
    }
  };
  return {
    next() {
      const token = next ?? read();
      next = null;
      return token;
    },
    peek() {
      return (next ??= read());
    },
  };
}

const WORDS = { true: true, false: false, null: null, NaN: null, Infinity: null, "-Infinity": null };

function token(word, line) {
  if (Object.hasOwn(WORDS, word)) return { kind: "value", value: WORDS[word], line };
  if (/^[+-]?\.?\d/.test(word)) {
    const value = Number(word);
    if (!Number.isFinite(value)) throw new NotRead(line, `“${word}” is no number`);
    return { kind: "value", value, line };
  }
  return { kind: /^<[#@].*>$/.test(word) ? "tag" : "word", value: word, line };
}

function unquote(quoted, line) {
  const text = quoted.slice(1, -1).replaceAll("\\'", "'");
  try {
    return JSON.parse(`"${text.replaceAll("\t", "\\t").replaceAll("\r", "\\r")}"`);
  } catch {
    throw new NotRead(line, `${quoted} has a backslash that means nothing`);
  }
}
