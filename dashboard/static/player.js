// <wp-player src="made/TOKEN/about.json">: shows a transition's frames from memory, and all that follows the frame.
const wpQuiet = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

class WpPlayer extends HTMLElement {
  static get observedAttributes() {
    return ["src"];
  }

  attributeChangedCallback(name, before, now) {
    if (before !== now) this.load(now);
  }

  disconnectedCallback() {
    this.pause();
  }

  async load(src) {
    this.pause();
    this.ready = false;
    this.way = 1;
    this.classList.add("wp-waiting");
    if (!src) return;
    const answer = await fetch(src).catch(() => null);
    if (this.getAttribute("src") !== src) return;
    if (!answer || !answer.ok) {
      this.textContent = answer ? await answer.text() : "The dashboard does not answer.";
      return;
    }
    this.about = await answer.json();
    this.base = src.slice(0, src.lastIndexOf("/") + 1);
    this.last = this.about.times.length - 1;
    this.frames = this.about.times.map((_, index) => {
      const image = new Image();
      image.src = `${this.base}${index}.jpg`;
      return image;
    });
    this.build();
    await Promise.all(this.frames.map((image) => image.decode().catch(() => null)));
    if (this.getAttribute("src") !== src) return;
    this.ready = true;
    this.classList.remove("wp-waiting");
    this.go(0);
    if (!wpQuiet()) this.play();
  }

  build() {
    const {about} = this;
    const thumbs = about.stops.map((index) => `<button class="wp-stop" data-frame="${index}"
      aria-label="Go to t = ${about.times[index].toFixed(2)}"><img alt="" src="${this.base}${index}.jpg">
      <span>${about.times[index].toFixed(2)}</span></button>`).join("");
    const legend = about.legend.map(([role, words]) =>
      `<span class="wp-legend-item"><i class="wp-ink-${role}"></i>${words}</span>`).join("");
    this.innerHTML = `
      <div class="wp-stage" tabindex="0" role="group"
        aria-label="Player: Space plays and pauses, arrows step, Home and End jump">
        <div class="wp-screen"><canvas width="${about.size}" height="${about.size}" role="img"></canvas>
          <svg class="wp-over" viewBox="0 0 ${about.size} ${about.size}" aria-hidden="true"></svg>
          <span class="wp-now"></span></div>
        <div class="wp-transport">
          <button class="wp-key-button wp-play" aria-label="Play"></button>
          <input class="wp-scrub" type="range" min="0" max="${this.last}" value="0" aria-label="Time">
          <output class="wp-time">0.00</output>
        </div>
        <div class="wp-transport wp-options">
          <label>Speed <select class="wp-speed" aria-label="Speed"><option value="0.25">¼×</option>
            <option value="0.5">½×</option><option value="1" selected>1×</option><option value="2">2×</option></select></label>
          <label>Repeat <select class="wp-loop" aria-label="Repeat"><option value="back" selected>to and fro</option>
            <option value="again">from the start</option><option value="once">once</option></select></label>
          <label class="wp-tick"><input type="checkbox" class="wp-show"> Symmetry elements</label>
        </div>
      </div>
      <div class="wp-beside">
        <figure class="wp-way-box"><figcaption>Latent path <span>${(100 * about.share).toFixed(0)} % of it in this
          plane</span></figcaption><div class="wp-way-picture">${about.way}<i class="wp-way-now"></i></div></figure>
        <dl class="wp-numbers-list">
          <div><dt>Length</dt><dd>${about.length.toPrecision(3)}</dd></div>
          <div><dt>Detour</dt><dd>${(about.length / Math.max(about.chord, 1e-9)).toFixed(3)}</dd></div>
          <div><dt title="evaluations of the velocity field">NFE</dt><dd>${about.nfe}</dd></div>
          <div><dt>Keeps order</dt><dd>${about.order}</dd></div>
        </dl>
        <figure class="wp-inset"><svg viewBox="0 0 90 90" aria-hidden="true"></svg>
          <figcaption>Lattice<span class="wp-cell-text"></span></figcaption></figure>
      </div>
      <div class="wp-strip" role="group" aria-label="Eight frames">${thumbs}</div>
      <figure class="wp-spectrum"><figcaption>Symmetry spectrum <span>how well each operation holds: 1 is exact</span>
        </figcaption><div class="wp-spectrum-plot"><b>1</b><b>0</b>${about.spectrum}<i class="wp-cursor"></i></div>
        <div class="wp-legend">${legend}</div></figure>
      <div class="wp-keep"><span>Keep</span>
        ${[["movie.gif", "GIF"], ["movie.mp4", "MP4"], ["strip.png", "Strip"], ["tile.png", "Seamless tile"],
          ["tile.svg", "Tile as SVG"]].map(([kind, text]) =>
          `<button class="wp-save" data-kind="${kind}">${text}</button>`).join("")}
        <span class="wp-said" role="status"></span></div>`;
    this.find = (selector) => this.querySelector(selector);
    this.pen = this.find("canvas").getContext("2d");
    this.listen();
  }

  listen() {
    const stage = this.find(".wp-stage");
    this.find(".wp-play").onclick = () => (this.timer ? this.pause() : this.play());
    this.find("canvas").onclick = () => (this.timer ? this.pause() : this.play());
    this.find(".wp-scrub").oninput = (event) => this.seek(Number(event.target.value));
    this.find(".wp-show").onchange = () => this.go(this.index);
    this.querySelectorAll(".wp-stop").forEach((stop) => {
      stop.onclick = () => this.seek(Number(stop.dataset.frame));
    });
    this.querySelectorAll(".wp-save").forEach((button) => {
      button.onclick = () => this.save(button);
    });
    const plot = this.find(".wp-spectrum-plot");
    plot.onpointerdown = (event) => {
      const box = plot.getBoundingClientRect();
      this.seek(Math.round(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * this.last));
    };
    stage.onkeydown = (event) => {
      if (event.target !== stage) return;
      const keys = {
        " ": () => (this.timer ? this.pause() : this.play()),
        ArrowRight: () => this.seek(Math.min(this.last, this.index + 1)),
        ArrowLeft: () => this.seek(Math.max(0, this.index - 1)),
        Home: () => this.seek(0),
        End: () => this.seek(this.last),
      };
      if (!(event.key in keys)) return;
      event.preventDefault();
      event.stopPropagation();
      keys[event.key]();
    };
  }

  play() {
    if (!this.ready || this.timer) return;
    if (this.index === this.last && this.find(".wp-loop").value === "once") this.go(0);
    this.due = 0;
    this.timer = requestAnimationFrame((now) => this.tick(now));
    this.find(".wp-play").setAttribute("aria-label", "Pause");
    this.classList.add("wp-playing");
  }

  pause() {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.classList.remove("wp-playing");
    if (this.find && this.find(".wp-play")) this.find(".wp-play").setAttribute("aria-label", "Play");
  }

  seek(index) {
    this.pause();
    if (this.ready) this.go(index);
  }

  tick(now) {
    if (!this.timer) return;
    this.timer = requestAnimationFrame((later) => this.tick(later));
    if (now < this.due || !this.offsetParent) return;
    const repeat = this.find(".wp-loop").value;
    if (repeat !== "back") this.way = 1; // it may have been chosen on the way back
    const atEnd = this.index + this.way > this.last || this.index + this.way < 0;
    this.due = now + 50 / Number(this.find(".wp-speed").value) + (atEnd ? 450 : 0);
    if (!atEnd) {
      this.go(this.index + this.way);
      return;
    }
    if (repeat === "back") this.way = -this.way;
    else if (repeat === "again") this.go(0);
    else this.pause();
  }

  go(index) {
    const {about} = this;
    this.index = index;
    if (this.frames[index].naturalWidth) this.pen.drawImage(this.frames[index], 0, 0);
    const time = about.times[index].toFixed(2);
    const basis = about.bases[index];
    this.find(".wp-over").innerHTML = this.find(".wp-show").checked
      ? wpElements.draw(about.sets[about.set[index]], basis, about.size) : "";
    this.find("canvas").setAttribute("aria-label",
      `${about.source} to ${about.target}, t = ${time}: a pattern that has at least ${about.groups[index]}`);
    const end = index === 0 || index === this.last;
    this.find(".wp-now").textContent = end ? `exactly ${about.groups[index]}` : `keeps ${about.groups[index]}`;
    this.find(".wp-time").textContent = `t ${time}`;
    const scrub = this.find(".wp-scrub");
    scrub.value = index;
    scrub.setAttribute("aria-valuetext", `t = ${time}, ${this.find(".wp-now").textContent}`);
    scrub.style.setProperty("--wp-done", `${(100 * index) / this.last}%`);
    this.find(".wp-cursor").style.left = `${100 * about.times[index]}%`;
    const [x, y] = about.places[index];
    Object.assign(this.find(".wp-way-now").style, {left: `${100 * x}%`, top: `${100 * y}%`});
    this.find(".wp-inset svg").innerHTML = wpElements.inset(about.bases, index, 90);
    const [a, b, gamma] = about.lattices[index];
    this.find(".wp-cell-text").textContent = `b/a ${(b / a).toFixed(3)}, γ ${gamma.toFixed(1)}°`;
    this.querySelectorAll(".wp-stop").forEach((stop, place) => {
      const after = about.stops[place + 1] ?? this.last + 1;
      stop.classList.toggle("wp-chosen", about.stops[place] <= index && index < after);
    });
  }

  async save(button) {
    const said = this.find(".wp-said");
    const {about} = this;
    const {kind} = button.dataset;
    said.textContent = "Making it …";
    button.disabled = true;
    const answer = await fetch(`${this.base}keep/${kind}?frame=${kind.startsWith("tile") ? this.index : 0}`).catch(() => null);
    button.disabled = false;
    if (!answer || !answer.ok) {
      said.textContent = answer ? await answer.text() : "The dashboard does not answer.";
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `${about.source}_to_${about.target}_${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    said.textContent = `Saved ${link.download}`;
  }
}
if (!customElements.get("wp-player")) customElements.define("wp-player", WpPlayer);
