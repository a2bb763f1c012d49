"""The Dataset panel: many cases are made of a recipe in a process of their own, and looked through one by one.

``making`` and ``target`` say what is asked for and what the folder holds already, ``recipe_edit`` and ``offers`` where
the recipe comes from; ``opened`` knows a dataset and filters its cases, ``pager`` reads them beside the viewer and
``preview`` shows them. The panel and its tabs only show and ask.
"""
