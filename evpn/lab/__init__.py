"""Labs: containerlab's topology files run in plain Linux namespaces, and what must be true in them.

Here: a topology read (`topology`), nodes made of namespaces (`node`, `init`, `root`), labs brought up and down (`run`),
expectations tried until they hold (`expect`, `story`). Nothing of the VTEP itself: a lab knows it as a command only.
"""
