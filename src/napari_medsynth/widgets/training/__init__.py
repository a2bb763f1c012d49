"""The Train panel: a segmentation model learns from layers or a folder, in a process that outlives the viewer.

``data_box`` asks what to train on and ``found`` counts it, ``layer_table`` lists the layers, ``structure_table`` the
labels; ``form`` asks for the rest. ``order`` writes that into the folder of a run and starts ``medsynth train``.

From then on the panel only reads that folder: ``watch`` says how a run stands, ``keeper`` looks twice a second,
``run_list``, ``run_view``, ``curves`` and ``sample_view`` show it. ``devices`` says what there is to train on.
"""
