// The geometry of dashboards: which layout a screen gets, and what moves where. No page in here.

/** What layouts are for, the widest first: from which width of the screen on, and how many columns a new one has. */
export const SCREENS = [
  { name: "wide", from: 1000, columns: 12, rows: 8 },
  { name: "tablet", from: 600, columns: 8, rows: 10 },
  { name: "phone", from: 0, columns: 4, rows: 12 },
];

/** Narrower cells than this, in pixels, are for nobody's eyes or fingers. */
const CELL_MIN = 60;

const COLUMNS_MAX = 48;
const ROWS_MAX = 400;

/** More than this nobody has laid out, and finding places for them takes time by their square. */
const BOXES_MAX = 500;

const OTHER_NAMES = { phone: /phone|mobile-vertical|portrait/, tablet: /tablet|mobile-horizontal|landscape/, wide: /wide|desktop|wall/ };

const whole = (value, least, most, otherwise) =>
  Number.isFinite(value) ? Math.min(most, Math.max(least, Math.round(value))) : otherwise;

/**
 * A layout as it can be drawn, whatever was written: `widgets` are boxes `{id, x, y, w, h}` in cells, and what is none is
 * left out.
 */
export function read(layout) {
  const [columns, rows] = Array.isArray(layout?.dimensions) ? layout.dimensions : [];
  const boxes = [];
  const ids = new Set();
  const width = whole(columns, 1, COLUMNS_MAX, 12);
  for (const line of Array.isArray(layout?.widgets) ? layout.widgets : []) {
    if (ids.size === BOXES_MAX) break;
    if (!Array.isArray(line) || typeof line[0] !== "string" || ids.has(line[0])) continue;
    const [id, x, y, w, h] = line;
    ids.add(id);
    boxes.push(within({ id, x: whole(x, 0, COLUMNS_MAX, 0), y: whole(y, 0, ROWS_MAX, 0), w: whole(w, 1, COLUMNS_MAX, 1), h: whole(h, 1, ROWS_MAX, 1) }, width));
  }
  const needed = Math.max(1, ...boxes.map(({ y, h }) => y + h));
  return { columns: width, rows: Math.max(needed, whole(rows, 1, ROWS_MAX, 8)), isStretched: layout?.stretch === true, boxes };
}

/** Boxes as a layout has them. What else the layout has stays. */
export function write(layout, boxes) {
  return { ...layout, widgets: boxes.map(({ id, x, y, w, h }) => [id, x, y, w, h]) };
}

/** Inside the columns. */
function within(box, columns) {
  const w = Math.min(box.w, columns);
  return { ...box, w, x: Math.min(Math.max(0, box.x), columns - w), y: Math.min(Math.max(0, box.y), ROWS_MAX) };
}

/** As one reads: line by line. */
export function inReadingOrder(boxes) {
  return [...boxes].sort((one, other) => one.y - other.y || one.x - other.x);
}

const overlap = (one, other) =>
  one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;

/** Puts a box where it is wanted. What is in its way goes down, and nothing else moves. */
export function put(boxes, box, columns) {
  const settled = new Map([[box.id, within({ ...box, w: Math.max(1, box.w), h: Math.max(1, box.h) }, columns)]]);
  for (const other of inReadingOrder(boxes)) {
    if (other.id !== box.id) settled.set(other.id, below(other, [...settled.values()]));
  }
  const all = boxes.some(({ id }) => id === box.id) ? boxes : [...boxes, box];
  return all.map(({ id }) => settled.get(id));
}

function below(box, others) {
  for (;;) {
    const inTheWay = others.filter((other) => overlap(box, other));
    if (!inTheWay.length) return box;
    box = { ...box, y: Math.max(...inTheWay.map(({ y, h }) => y + h)) };
  }
}

/** The first place, as one reads, where so many cells are free. */
export function free(boxes, w, h, columns) {
  w = Math.min(w, columns);
  for (let y = 0; ; y++) {
    for (let x = 0; x + w <= columns; x++) {
      if (!boxes.some((box) => overlap(box, { x, y, w, h }))) return { x, y, w, h };
    }
  }
}

/** One after the other, in lines of so many columns. */
export function flow(boxes, columns) {
  const placed = [];
  for (const box of boxes) placed.push({ ...box, ...free(placed, box.w, box.h, columns) });
  return placed;
}

/** Widens boxes, then makes them higher, into what is free beside and below them: no holes, no ragged edge. */
export function fill(boxes, columns) {
  const rows = Math.max(0, ...boxes.map(({ y, h }) => y + h));
  const filled = [...boxes];
  for (const [grow, most] of [[(box) => ({ ...box, w: box.w + 1 }), columns], [(box) => ({ ...box, h: box.h + 1 }), 2]]) {
    for (let index = 0; index < filled.length; index++) {
      for (let step = 0; step < most; step++) {
        const larger = grow(filled[index]);
        const isFree = filled.every((other) => other.id === larger.id || !overlap(other, larger));
        if (!isFree || larger.x + larger.w > columns || larger.y + larger.h > rows) break;
        filled[index] = larger;
      }
    }
  }
  return filled;
}

/**
 * The same widgets for another number of columns, in reading order. For a phone: below each other, what is small two in a
 * line.
 */
export function reflow(layout, columns) {
  const from = read(layout);
  // Few rows on a large screen are high ones.
  const higher = Math.max(1, Math.round(8 / from.rows));
  const scaled = inReadingOrder(from.boxes).map((box) => {
    const part = box.w / from.columns;
    const w = columns <= 4 ? (part <= 0.25 ? Math.ceil(columns / 2) : columns) : Math.max(Math.min(2, columns), Math.round(part * columns));
    const h = box.h * higher;
    return { ...box, w: Math.min(w, columns), h: columns <= 4 && w < columns ? Math.min(h, 2) : h };
  });
  const boxes = fill(flow(scaled, columns), columns);
  // Few widgets are not to be stretched over all of a high screen.
  const usual = SCREENS.find((screen) => columns >= screen.columns)?.rows ?? 1;
  const rows = Math.max(usual, ...boxes.map(({ y, h }) => y + h));
  return write({ ...layout, dimensions: [columns, rows] }, boxes);
}

/** Which screen a layout is for: its name says it, or its columns. */
export function screenOf(name, layout) {
  for (const [screen, words] of Object.entries(OTHER_NAMES)) if (words.test(name)) return screen;
  const { columns } = read(layout);
  return columns <= 5 ? "phone" : columns <= 8 ? "tablet" : "wide";
}

/** Which screen so many pixels are. */
export function screenAt(width) {
  return SCREENS.find(({ from }) => width >= from).name;
}

/**
 * The layout for so many pixels: the one for such a screen; else the one with the most columns of those whose cells are
 * wide enough; else the widest, put together anew. `isMade`: nobody laid it out so.
 * @returns {{name: string | null, layout: object, isMade: boolean} | null} null: there is none at all
 */
export function choose(layouts, width) {
  const all = Object.entries(isObject(layouts) ? layouts : {}).filter(([, layout]) => isObject(layout));
  if (!all.length) return null;
  const wanted = screenAt(width);
  const own = all.find(([name, layout]) => screenOf(name, layout) === wanted);
  const byColumns = all.sort(([, one], [, other]) => read(other).columns - read(one).columns);
  const [name, layout] = own ?? byColumns.find(([, layout]) => width / read(layout).columns >= CELL_MIN) ?? [null];
  if (layout) return { name, layout, isMade: false };
  const columns = Math.max(1, Math.min(wanted === "phone" ? 4 : 8, Math.floor(width / CELL_MIN)));
  return { name: null, layout: { ...reflow(byColumns[0][1], columns), stretch: true }, isMade: true };
}

export function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
