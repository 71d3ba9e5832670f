"""On import: lets the code that was kept with a registered model answer, not the installed library.

MLflow's plug-in has imported a little of the installed `wallpaper` package before MLflow puts the model's own code
first on the path. Forgetting those modules is safe as long as no other part of the library is
loaded; where it is, this process works with the library anyway, and nothing is changed.
"""

from __future__ import annotations

import sys

LOADED_BY_MLFLOW = {"wallpaper", "wallpaper.mlflow_plugin", "wallpaper.checkout", "wallpaper.store_address"}
"""The plug-in and what it imports."""

if {name for name in sys.modules if name.split(".")[0] == "wallpaper"} <= LOADED_BY_MLFLOW:
    for _name in LOADED_BY_MLFLOW:
        sys.modules.pop(_name, None)
