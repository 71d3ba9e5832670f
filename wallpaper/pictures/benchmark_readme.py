"""The README of a benchmark's folder: what the files are, so that it can be used without this library.

Text only; `benchmark` fills in the figures.
"""

README = """# Pictures of the 17 plane groups with certified truth

{per_group} patterns of each group, {size} x {size} pixels, seed {seed}, made by `wallpaper benchmark`. The same
seed and options make the same files.

A folder for each variant, in it a folder for each group. All variants show the same patterns; each differs from
`clean` in what its name says (`combined` in everything at once).

- `clean`: a along the row, the standard setting's origin in the centre.
- `rotate`: turned by any angle about any point.
- `noise-S`: Gaussian noise of standard deviation S, a channel, as a share of full range.
- `jpeg-Q`: JPEG of quality Q.
- `pseudosymmetry-C`: the pattern blended with its projection onto a supergroup, so that the strongest operation
  that it does NOT have correlates at C. The right answer is still `group`; `supergroup` is the trap.

`manifest.jsonl` has a line for each picture:

| key | meaning |
|---|---|
| `file`, `variant` | path below this folder, and its variant |
| `group`, `number` | short Hermann-Mauguin symbol and number in International Tables |
| `a`, `b`, `gamma` | conventional cell of the standard setting: lengths in pixels, angle in degrees |
| `basis` | vectors a and b, each (x, y) in pixels; x to the right, y down, pixel centres at whole numbers |
| `origin` | pixel (x, y) of the standard setting's origin nearest to the centre |
| `rotation` | degrees counter-clockwise from `clean` |
| `noise`, `jpeg`, `pseudosymmetry`, `supergroup` | what was done |
| `seed`, `motif_type` | how the pattern was made |
| `certificate` | `id` in `certificates.jsonl` |
| `weakest_true`, `strongest_false` | least correlation of the group's operations, largest of what it does not have |

`certificates.jsonl` has a line for each pattern: every operation with its correlation and residual, measured on
the cell in the lattice frame before rendering, and all that was rejected.
"""
