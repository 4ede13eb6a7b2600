// How large the cells of a dashboard are on this screen.

import { useEffect, useState } from "./vendor/preact.js";

/** Rows that fill the screen are not lower than this, in pixels; then one scrolls. */
const ROW_MIN = 76;
export const GAP = 10;
const SQUARE_MIN = 44;
const SQUARE_MAX = 180;

/** How large an element is, in whole pixels; null at first. */
export function useSize(element) {
  const [size, set] = useState(null);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => {
      const next = { width: Math.floor(contentRect.width), height: Math.floor(contentRect.height) };
      set((last) => (last?.width === next.width && last.height === next.height ? last : next));
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return size;
}

/** How wide and high cells are, for so much room. */
export function cells({ columns, rows, isStretched }, { width, height }) {
  const high = (height - GAP * (rows - 1)) / rows;
  const across = (width - GAP * (columns - 1)) / columns;
  if (isStretched) return { "--columns": columns, "--across": "minmax(0, 1fr)", "--row": `${Math.max(ROW_MIN, Math.floor(high))}px` };
  const side = Math.floor(Math.max(SQUARE_MIN, Math.min(SQUARE_MAX, across, Math.max(high, ROW_MIN))));
  return { "--columns": columns, "--across": `${side}px`, "--row": `${side}px` };
}

export function boxStyle({ x, y, w, h }) {
  return { gridArea: `${y + 1} / ${x + 1} / span ${h} / span ${w}` };
}
