"""The page and its tabs; what each shows is made by `dashboard.views`.

To add a tab, write a module with `build(context) -> update` and add a row to `tabs.TABS`: docs/dashboard.md says what
`build` may do.
"""
