// Symmetry elements on a moving lattice: lines and centres come in fractional coordinates, the basis in pixels.
const wpElements = (() => {
  const RADII = {2: [1.28, 0.66], 3: [1.32], 4: [1.22], 6: [1.18]};
  const at = (basis, size, x, y) => [
    (size - 1) / 2 + basis[0] * x + basis[1] * y,
    (size - 1) / 2 + basis[2] * x + basis[3] * y,
  ];
  const two = (value) => value.toFixed(1);

  function polygon(basis, size, [x, y, order, dx, dy], unit) {
    const [px, py] = at(basis, size, x, y);
    if (px < -20 || py < -20 || px > size + 20 || py > size + 20) return "";
    const mirrored = dx !== 0 || dy !== 0;
    const along = mirrored ? [basis[0] * dx + basis[1] * dy, basis[2] * dx + basis[3] * dy] : [basis[0], basis[2]];
    const turn = Math.atan2(along[1], along[0]) + (mirrored ? 0 : -Math.PI / 2) + (order === 4 ? Math.PI / 4 : 0);
    const count = order === 3 ? 3 : Math.max(4, order);
    const corners = [];
    for (let k = 0; k < count; k += 1) {
      const radius = RADII[order][k % RADII[order].length] * unit;
      const angle = turn + (2 * Math.PI * k) / count;
      corners.push(`${two(px + radius * Math.cos(angle))},${two(py + radius * Math.sin(angle))}`);
    }
    return `<polygon class="wp-el-centre" points="${corners.join(" ")}"/>`;
  }

  // SVG text of all elements over a picture of `size` pixels, the cell's outline among them.
  function draw(elements, basis, size) {
    const corner = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([x, y]) => at(basis, size, x, y).map(two).join(","));
    const area = Math.abs(basis[0] * basis[3] - basis[1] * basis[2]);
    const unit = Math.max(4.5, Math.min(9, Math.sqrt(area) / 20));
    const grounds = [];
    const inks = [];
    for (const [x0, y0, x1, y1, glide] of elements.lines) {
      const [a, b] = at(basis, size, x0, y0).map(two);
      const [c, d] = at(basis, size, x1, y1).map(two);
      const ends = `x1="${a}" y1="${b}" x2="${c}" y2="${d}"`;
      grounds.push(`<line class="wp-el-ground${glide ? " wp-el-dashed" : ""}" ${ends}/>`);
      inks.push(`<line class="${glide ? "wp-el-glide wp-el-dashed" : "wp-el-mirror"}" ${ends}/>`);
    }
    const centres = elements.centres.map((centre) => polygon(basis, size, centre, unit));
    return [
      `<polygon class="wp-el-cell-edge" points="${corner.join(" ")}"/>`,
      `<polygon class="wp-el-cell" points="${corner.join(" ")}"/>`,
      ...grounds, ...inks, ...centres,
    ].join("");
  }

  // The cell alone, in a small square, beside the first and the last one.
  function inset(bases, index, size) {
    const reach = Math.max(...bases.map(([a, b, c, d]) => Math.max(Math.abs(a) + Math.abs(b), Math.abs(c) + Math.abs(d))));
    const scale = (size * 0.86) / reach;
    const shape = (basis, name) => {
      const points = [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]].map(([x, y]) => [
        two(size / 2 + scale * (basis[0] * x + basis[1] * y)),
        two(size / 2 + scale * (basis[2] * x + basis[3] * y)),
      ].join(","));
      return `<polygon class="${name}" points="${points.join(" ")}"/>`;
    };
    return shape(bases[0], "wp-in-end") + shape(bases[bases.length - 1], "wp-in-end") + shape(bases[index], "wp-in-now");
  }

  return {draw, inset};
})();
