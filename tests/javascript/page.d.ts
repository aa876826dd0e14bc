/** What anywidget hands a module of the page, as far as these modules use it. */
interface Model {
  get(name: string): any;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(names: string, action: (...given: any[]) => void): void;
  off(names: string, action: (...given: any[]) => void): void;
  widget_manager: { get_model(id: string): Promise<any> };
}

/** What anywidget gives the function that draws a widget. */
interface Widget {
  model: Model;
  el: HTMLElement;
}

interface Window {
  /** JupyterLab, where it lets a page use its commands. */
  jupyterapp?: any;
  /** Where nothing can be kept: whether the first steps were shown on this page. */
  crmasksVisited?: boolean;
}

/** What tests of the page get at, and what a page leaves to the one that comes after it. */
interface HTMLElement {
  crmasksHand?: unknown;
  crmasksLevels?: unknown;
  crmasksOver?: unknown;
  crmasksKeys?: Key[] | null;
  crmasksLast?: (event: KeyboardEvent) => void;
  crmasksFocused?: boolean;
  /** Of a slider of ipywidgets. */
  noUiSlider?: { get(): string };
}

/** A place in a plot, as fractions of its plotting area from the left and lower edge. */
interface Position {
  plot: string;
  x: number;
  y: number;
}

/** A key that was pressed. */
interface Key {
  /** As the browser names it. */
  key: string;
  /** Whether Ctrl or ⌘ was down. */
  control: boolean;
  shift: boolean;
  /** Where the pointer was. */
  at: Position | null;
}

// What the user does is done to an element.
interface UIEvent {
  readonly target: Element;
}

interface HTMLElementEventMap {
  "crmasks-stays": CustomEvent;
}

// Each element here is of HTML or of SVG, and has both; a number is written as what it is.
interface Element extends HTMLOrSVGElement, ElementCSSInlineStyle {
  setAttribute(name: string, value: string | number): void;
}

/** What `element` of page/element.js takes. */
type Properties<Tag extends keyof HTMLElementTagNameMap> =
  Partial<Omit<HTMLElementTagNameMap[Tag], Written | "children">>
  & { [name in Written]?: string | number } & { aria?: Record<string, string> };

/** Properties that take a number as well. */
type Written = "style" | "value" | "min" | "max" | "step";
