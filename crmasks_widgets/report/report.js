"use strict";
// The page is complete without this: it compares frames in place, links hits, sorts and copies.
for (const tools of document.querySelectorAll(".tools")) tools.classList.remove("hidden");

for (const part of document.querySelectorAll(".part")) {
    const frames = part.querySelector(".frames");
    const wipe = part.querySelector(".wipe"), blink = part.querySelector(".blink");
    frames.classList.add("over");
    const wiped = () => frames.style.setProperty("--wipe", `${wipe.value}%`);
    wipe.addEventListener("input", wiped);
    wiped();
    let clock = null;
    blink.addEventListener("click", () => {
        if (clock) clearInterval(clock);
        clock = clock ? null : setInterval(() => frames.classList.toggle("off"), 600);
        frames.classList.toggle("blinking", clock !== null);
        frames.classList.remove("off");
        blink.textContent = clock ? "stop" : "blink";
    });

    const cards = part.querySelector(".cards"), all = [...cards.children];
    const order = part.querySelector(".order"), method = part.querySelector(".method");
    const weight = {
        number: (card) => Number(card.dataset.number),
        weak: (card) => Number(card.dataset.significance),
        strong: (card) => -Number(card.dataset.significance),
        large: (card) => -Number(card.dataset.pixels),
    };
    const arrange = () => {
        const key = weight[order.value];
        cards.replaceChildren(...[...all].sort((a, b) => key(a) - key(b)));
        for (const card of all) {
            card.hidden = method.value !== "" && card.dataset.method !== method.value;
        }
    };
    order.addEventListener("change", arrange);
    method.addEventListener("change", arrange);

    for (const copy of part.querySelectorAll(".copy")) {
        copy.addEventListener("click", () => {
            const text = copy.closest("details").querySelector("pre");
            getSelection().selectAllChildren(text);
            // A page from disk may not be given the clipboard: the text is selected all the same.
            copy.textContent = document.execCommand("copy") ? "copied" : "selected: Ctrl+C";
        });
    }
}

// A hit that is linked to is shown, whatever is chosen.
window.addEventListener("hashchange", () => {
    const card = document.getElementById(location.hash.slice(1));
    if (card && card.hidden) {
        card.hidden = false;
        card.scrollIntoView();
    }
});

const light = (event, on) => {
    const hit = event.target.closest && event.target.closest("[data-hit]");
    if (!hit) return;
    for (const same of document.querySelectorAll(`[data-hit="${hit.dataset.hit}"]`)) {
        same.classList.toggle("lit", on);
    }
};
document.addEventListener("mouseover", (event) => light(event, true));
document.addEventListener("mouseout", (event) => light(event, false));
