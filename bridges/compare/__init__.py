"""An honest comparison: every classifier, one table, null controls, a report.

``python -m bridges.compare --help`` tells how; :mod:`bridges.compare.plan` lists the cells of a
comparison, :mod:`bridges.compare.cell` computes one, :mod:`bridges.compare.store` keeps the rows,
:mod:`bridges.compare.summary` draws the conclusions.
"""
