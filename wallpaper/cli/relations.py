"""`wallpaper relations`: how the 17 groups are related, as a table, for two groups, as JSON or as a tree.

Options alone; `relations_text` finds the words.
"""

from __future__ import annotations

from pathlib import Path

import click

from wallpaper.cli.output import Output


@click.command("relations")
@click.argument("groups", nargs=-1, metavar="[A [B]]")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--tree",
    type=Output(),
    default=None,
    help="Also draw the tree of subgroups to this .svg file: all 17, those of A, or what joins A and B.",
)
def relations(groups: tuple[str, ...], as_json: bool, tree: Path | None) -> None:
    """How groups are related: subgroups, the largest common subgroup of two, and the widest route between them.

    GROUPS: none for the table of all pairs and every group's maximal subgroups, one for its neighbours, or two.
    A subgroup marked t keeps all translations, one marked k the point group. All is computed from the operations.

    \b
    Examples:
      wallpaper relations
      wallpaper relations pm p4
      wallpaper relations p3m1 p31m --json
      wallpaper relations --tree tree.svg
    """
    if len(groups) > 2:
        raise click.UsageError(f"give no group, one or two, but got {len(groups)}: {' '.join(groups)}")
    if tree is not None and tree.suffix.lower() != ".svg":
        raise click.BadParameter(f"must end in .svg, but got {str(tree)!r}", param_hint="'--tree'")
    from wallpaper.cli import relations_text  # noqa: PLC0415 - loads SciPy, which help does not wait for

    relations_text.tell(groups, tree, as_json=as_json)
