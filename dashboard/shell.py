"""What a browser shows until the page's scripts have run: the outline of the page in the chosen theme, not a white one.

Plain HTML and CSS, written into the page before its scripts; it hides as soon as there is something in its place.
"""

from __future__ import annotations

from dashboard.theme import FONT, Palette

MARK = (
    '<svg viewBox="0 0 24 24" width="26" height="26" fill="none" stroke-width="1.8" stroke-linejoin="round" '
    'aria-hidden="true"><path d="M12 2 21 7v10l-9 5-9-5V7z" stroke="var(--wp-primary)"/>'
    '<path d="M12 12V22M12 12 3 7M12 12 21 7" stroke="var(--wp-accent)"/></svg>'
)


def shell(theme: Palette) -> str:
    """The outline as HTML."""
    colours = f"--wp-primary: {theme.primary}; --wp-accent: {theme.accent}; color: {theme.text};"
    return f"""<style>
body {{ background: {theme.background}; margin: 0; }}
#wp-shell {{ {colours} font-family: {FONT}; }}
#wp-shell > header {{ display: flex; align-items: center; gap: 12px; height: 56px; padding: 0 24px;
  box-sizing: border-box; border-bottom: 1px solid {theme.line}; font-size: 17px; font-weight: 600; }}
#wp-shell > div {{ margin: 20px 24px 0; height: 180px; border-radius: 12px; background: {theme.card}; }}
#wp-shell:has(~ #app > *) {{ display: none; }}
@media (scripting: none) {{ #wp-shell {{ display: none; }} }}
</style>
<div id="wp-shell"><header>{MARK}<span>wallpaper</span></header><div></div><div></div></div>"""
