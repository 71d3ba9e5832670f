"""Exact plane geometry: operations, the 17 groups, lattices and how groups relate. No tensors."""

from wallpaper.plane.elements import Elements, symmetry_elements
from wallpaper.plane.features import FEATURES, embedding_features
from wallpaper.plane.groups import GROUP_NAMES, LATTICE_SYSTEMS, PLANE_GROUPS, LatticeSystem, PlaneGroup, plane_group
from wallpaper.plane.lattice import Lattice
from wallpaper.plane.operation import DEN, Op
from wallpaper.plane.relations import Alignment, align, classify, primitive_operations
from wallpaper.plane.routes import Route, plan_route

__all__ = [
    "DEN",
    "FEATURES",
    "GROUP_NAMES",
    "LATTICE_SYSTEMS",
    "PLANE_GROUPS",
    "Alignment",
    "Elements",
    "Lattice",
    "LatticeSystem",
    "Op",
    "PlaneGroup",
    "Route",
    "align",
    "classify",
    "embedding_features",
    "plan_route",
    "plane_group",
    "primitive_operations",
    "symmetry_elements",
]
