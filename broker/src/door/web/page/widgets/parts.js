// Which component draws which type of widget.

import { Button } from "./button.js";
import { Display } from "./display.js";
import { EditText } from "./edittext.js";
import { Gauge } from "./gauge.js";
import { Graph } from "./graph.js";
import { Image } from "./image.js";
import { Indicator } from "./indicator.js";
import { Led } from "./led.js";
import { Range } from "./range.js";
import { Select } from "./select.js";
import { Stick } from "./stick.js";
import { Switch } from "./switch.js";
import { Unknown } from "./unknown.js";

const PARTS = {
  display: Display, indicator: Indicator, gauge: Gauge, graph: Graph, led: Led, image: Image, button: Button, switch: Switch,
  range: Range, select: Select, editText: EditText, stick: Stick,
};

export function partFor(type) {
  return Object.hasOwn(PARTS, type) ? PARTS[type] : Unknown;
}
