"""How the ``torso`` is painted.

``body`` draws one and keeps its parts (``part``), the curves of its trunk (``curves``) and the line of its spine
(``backbone``). A ``scene`` is a slab of voxels with the fields that several painters need; ``fields`` has the shapes,
``texture`` the grain. ``wall``, ``belly``, ``chest`` with ``vessels``, ``tubes``, ``spine`` and ``bones`` paint.
"""
