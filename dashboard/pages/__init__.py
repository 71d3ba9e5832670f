"""The page and its tabs.

How to add a tab: write a module here with one function

    def build(context: Context) -> Update

and put a row `Tab(name, title, icon, build)` into `dashboard.pages.tabs.TABS`. Nothing else has to be changed.

- `build` is called once per browser tab, when its tab is first shown, inside the tab's container: place elements there
  and return at once. It must not block and not ask the store for files; show `parts.skeleton` or an empty element.
- It returns `update`, a function without arguments, plain or async. `update` is called right after `build`, and
  whenever there is news while the tab is shown: the store's `version` has grown, another run was chosen
  (`context.run` is another), the theme was switched (`context.theme`), or the tab is shown again. It is never called
  twice at once. It should change only what is different: `parts.LivePlot.show(figure)` does that for figures.
- What it reads: `context.store.runs`, `.run(id)`, `.curves(id)`, `.children(id)`, `.versions`, `.connection` are plain
  data and never block. `context.store.files` and `.file` block: `await context.off_loop(context.store.files, id, "x")`.
  The address of a run's file for `ui.image` and links is `dashboard.store.artifacts.address(run_id, path)`.
- An error in `build` or `update` is shown in the tab and logged; other tabs go on.
- Text from MLflow (names, tags, parameters, errors) goes into `ui.label` and other text, never into `ui.html` or
  `ui.markdown`; in figures through `views.text.plain`; links only through `parts.link`.
- Figures and rows are made by pure functions in `dashboard.views`, with tests of their own.
- CSS classes begin with `wp-` (Quasar owns the short names); colours are the CSS variables of `static/style.css`.
- Settings that should last go to `context.settings` (per user, JSON); the tab that is open and the run are in the URL.
"""
