// The pattern behind the latent point that is pointed at: a tile of the run's sheet, above or below the pointer.
const wpLatent = (() => {
  const SIDE = 96;
  const AWAY = 26;

  function unhover(_, id) {
    const box = document.getElementById(id);
    if (box) box.classList.remove("wp-shown");
  }

  function hover(event, id) {
    const box = document.getElementById(id);
    const place = ((event.points || [])[0] || {}).customdata;
    if (!box || !event.event || !box.dataset.sheet || !Array.isArray(place)) {
      unhover(event, id);
      return;
    }
    const columns = Number(box.dataset.columns);
    const [across, down] = [place[1] % columns, Math.floor(place[1] / columns)];
    const {clientX, clientY} = event.event;
    const above = clientY - AWAY - SIDE;
    Object.assign(box.style, {
      width: `${SIDE}px`,
      height: `${SIDE}px`,
      left: `${Math.max(8, Math.min(window.innerWidth - SIDE - 8, clientX - SIDE / 2))}px`,
      top: `${above > 8 ? above : clientY + AWAY}px`,
      backgroundImage: `url("${box.dataset.sheet}")`,
      backgroundSize: `${columns * SIDE}px auto`,
      backgroundPosition: `${-across * SIDE}px ${-down * SIDE}px`,
    });
    box.classList.add("wp-shown");
  }

  return {hover, unhover};
})();
