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
  crmasksKeys?: unknown[] | null;
  crmasksLast?: (event: KeyboardEvent) => void;
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
