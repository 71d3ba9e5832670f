// The grid of all pairs: arrow keys walk it, pointing at a pair names it and shows its picture where there is one.
const wpMatrix = (() => {
  const pairOf = (event) => event.target.closest && event.target.closest(".wp-pair:not(:disabled)");

  // Source and target of the pair that an event is about, marked as chosen; null if it is about none.
  function pick(event) {
    const pair = pairOf(event);
    if (!pair) return null;
    const grid = pair.closest(".wp-matrix");
    grid.querySelectorAll('[aria-pressed="true"]').forEach((other) => {
      other.setAttribute("aria-pressed", "false");
      other.tabIndex = -1;
    });
    pair.setAttribute("aria-pressed", "true");
    pair.tabIndex = 0;
    return [pair.dataset.source, pair.dataset.target];
  }

  function key(event) {
    const pair = pairOf(event);
    const steps = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
    if (!pair || !(event.key in steps)) return;
    event.preventDefault();
    const all = [...pair.closest(".wp-matrix").querySelectorAll(".wp-pair")];
    const side = Math.round(Math.sqrt(all.length));
    const [down, right] = steps[event.key];
    let place = all.indexOf(pair);
    let row = Math.floor(place / side);
    let column = place % side;
    do {
      row += down;
      column += right;
    } while (row >= 0 && column >= 0 && row < side && column < side && all[row * side + column].disabled);
    if (row < 0 || column < 0 || row >= side || column >= side) return;
    pair.tabIndex = -1;
    all[row * side + column].tabIndex = 0;
    all[row * side + column].focus();
  }

  function point(event) {
    const pair = pairOf(event);
    const card = event.target.closest && event.target.closest(".wp-card");
    const text = card && card.querySelector(".wp-pointed");
    const picture = card && card.querySelector(".wp-preview");
    if (!pair || !text) return;
    text.textContent = `${pair.dataset.source} → ${pair.dataset.target}: ${pair.dataset.value}`;
    if (!picture) return;
    const {source, target, preview} = pair.dataset;
    show(picture, preview ? preview.replace(/^\//, "") : `${picture.dataset.made}/${source}/${target}.jpg`);
  }

  // Some pictures are made when they are asked for: so they are, one at a time, of the pair where the pointer rests.
  const RESTS = 200;
  let wanted = "";
  let timer = 0;
  let coming = false;

  function show(picture, address) {
    wanted = address;
    picture.classList.add("wp-coming");
    clearTimeout(timer);
    timer = setTimeout(() => fetchFor(picture), RESTS);
  }

  function fetchFor(picture) {
    if (coming) return;
    if (picture.getAttribute("src") === wanted) {
      picture.classList.remove("wp-coming");
      return;
    }
    const address = wanted;
    const come = (there) => {
      coming = false;
      picture.hidden = !there;
      if (wanted === address) picture.classList.remove("wp-coming");
      else fetchFor(picture);
    };
    coming = true;
    picture.onload = () => come(true);
    picture.onerror = () => come(false);
    picture.src = address;
  }

  return {pick, key, point};
})();
