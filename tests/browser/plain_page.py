"""Widgets of this process on a page without Jupyter: nothing happens until the test lets it."""

import base64

from ipywidgets import Box, Widget

MODELS = """
window.outbox = [];
window.models = {};
const decoded = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
class Model {
    constructor(id, state) {
        Object.assign(this, { id, state, changed: {}, listeners: new Map() });
    }
    get(name) { return this.state[name]; }
    set(name, value) { this.state[name] = this.changed[name] = value; }
    save_changes() {
        window.outbox.push({ id: this.id, state: this.changed });
        this.changed = {};
    }
    send(content) { window.outbox.push({ id: this.id, content }); }
    on(name, action) {
        this.listeners.set(name, [...(this.listeners.get(name) ?? []), action]);
    }
    off(name, action) {
        this.listeners.set(name, (this.listeners.get(name) ?? []).filter((a) => a !== action));
    }
    tell(name, ...what) { for (const action of this.listeners.get(name) ?? []) action(...what); }
}
const plain = (value) => value && value.bytes !== undefined ? decoded(value.bytes) : value;
window.receive = (messages) => {
    for (const { id, state, content, buffers } of messages) {
        const model = window.models[id];
        if (!model) continue;
        if (content) model.tell("msg:custom", content, buffers.map(decoded));
        for (const [name, value] of Object.entries(state ?? {})) model.state[name] = plain(value);
        for (const name of Object.keys(state ?? {})) model.tell(`change:${name}`);
    }
};
window.show = async (id, source, state, el) => {
    for (const name of Object.keys(state)) state[name] = plain(state[name]);
    const model = new Model(id, state);
    window.models[id] = model;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: widget } = await import(url);
    widget.render({ model, el });
};
window.rest = () => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
"""
SHARED = ".hidden{display:none}body{margin:0;font:13px sans-serif}"
BOXES = (
    ".widget-vbox{display:flex;flex-direction:column}.widget-hbox{display:flex}"
    ".widget-box{box-sizing:border-box;min-width:0}"
)


class PlainPage:
    """A page that shows a widget, and all that it is made of.

    What the page says is heard, and what the widgets say is told, in `settle`.
    """

    def __init__(self, page, widget, style="", dark=False):
        self.page, self._told, self._widgets = page, [], {}
        page.set_content(f'<body data-jp-theme-light="{str(not dark).lower()}"></body>')
        page.add_style_tag(content=SHARED + BOXES + style)
        page.evaluate(f"() => {{ {MODELS} }}")
        page.evaluate(
            """() => {
                const root = document.createElement("div");
                root.className = "crmasks-dashboard";
                root.id = "root";
                document.body.append(root);
            }"""
        )
        self._place(widget, "root")
        self.settle()

    def _place(self, widget, parent):
        classes = [*widget._dom_classes]
        if isinstance(widget, Box):
            kind = "hbox" if type(widget).__name__ == "HBox" else "vbox"
            classes += ["widget-box", f"widget-{kind}"]
        self.page.evaluate(
            """([id, parent, names, hidden]) => {
                const made = document.createElement("div");
                made.id = id;
                made.className = names.join(" ");
                if (hidden) made.style.display = "none";
                document.getElementById(parent).append(made);
            }""",
            [widget.model_id, parent, classes, widget.layout.display == "none"],
        )
        widget.layout.observe(lambda change, w=widget: self._display(w), "display")
        if isinstance(widget, Box):
            for child in widget.children:
                self._place(child, widget.model_id)
        elif hasattr(widget, "_esm"):
            self._show(widget)

    def _display(self, widget):
        self._told.append({"id": widget.model_id, "display": widget.layout.display or ""})

    def _show(self, widget):
        names = [name for name in widget.traits(sync=True) if name not in Widget().keys]
        names = [n for n in names if not n.startswith("_") and n not in ("layout", "tooltip")]
        self._widgets[widget.model_id] = widget
        if css := getattr(widget, "_css", ""):
            self.page.add_style_tag(content=str(css))
        state = {name: _sendable(getattr(widget, name)) for name in names}
        widget.observe(lambda change: self._changed(change), names)
        widget.send = lambda content, buffers=None: self._told.append({
            "id": widget.model_id, "content": content,
            "buffers": [base64.b64encode(b).decode() for b in buffers or ()],
        })  # fmt: skip
        self.page.evaluate(
            "([id, source, state]) => window.show(id, source, state, document.getElementById(id))",
            [widget.model_id, str(widget._esm), state],
        )

    def _changed(self, change):
        state = {change.name: _sendable(change.new)}
        self._told.append({"id": change.owner.model_id, "state": state})

    def settle(self):
        """Let page and widgets talk until both have nothing to say."""
        while True:
            self.page.evaluate("() => window.rest()")
            heard = self.page.evaluate("() => window.outbox.splice(0)")
            for said in heard:
                widget = self._widgets[said["id"]]
                if "content" in said:
                    widget._handle_custom_msg(said["content"], [])
                else:
                    widget.set_state(said["state"])
            told, self._told = self._told, []
            if not heard and not told:
                return
            displays = [one for one in told if "display" in one]
            self.page.evaluate(
                "all => { for (const { id, display } of all) "
                "document.getElementById(id).style.display = display; }",
                displays,
            )
            self.page.evaluate(
                "messages => window.receive(messages)", [o for o in told if "display" not in o]
            )

    def click(self, x, y, held=()):
        """Click, with keys held down, and let all be done that follows."""
        for key in held:
            self.page.keyboard.down(key)
        self.page.mouse.click(x, y)
        for key in held:
            self.page.keyboard.up(key)
        self.settle()

    def press(self, key):
        """Press a key, and let all be done that follows."""
        self.page.keyboard.press(key)
        self.settle()


def _sendable(value):
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return value
